/**
 * The server's side of one stream: sends items as they come, within the
 * caller's credit.
 *
 * @module
 */
import { nowMs } from "../../../async/clock.ts";
import { coarseDueMs } from "../../../async/deadlines.ts";
import { endOfTurn } from "../../../async/end_of_turn.ts";
import type { RpcError } from "../../errors.ts";
import {
  ALIVE_MS,
  aliveMessage,
  type Credit,
  IGNORED,
  NO_BODY,
  type Run,
} from "../../stream_wire.ts";
import type { StreamPort } from "../../transport.ts";
import type { OutgoingMessage } from "../../wire.ts";
import type { ItemSource } from "../item_source.ts";
import { unsendable } from "../replies.ts";
import { introduce, itemMessage } from "./item_message.ts";
import { type ItemSender, SentItems } from "./sent_items.ts";
import { checkItem } from "./stream_limits.ts";
import type {
  StreamingQueue,
  StreamOwner,
  StreamState,
} from "./stream_owner.ts";

/** One run's items. */
export class OutgoingStream implements ItemSender {
  readonly run: string;
  /** When it has told nothing for too long, on the clock of `nowMs()`. */
  dueMs: number = coarseDueMs(ALIVE_MS);
  readonly #owner: StreamOwner;
  readonly #sent = new SentItems(this);
  #requests: StreamingQueue;
  /** Credit: how much may be sent in all. */
  #maxItems: number;
  #maxBytes: number;
  #items = 0;
  #bytes = 0;
  #introduced = false;
  #state: StreamState = "running";
  #source: ItemSource | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  /** Sends nothing yet. */
  constructor(
    owner: StreamOwner,
    requests: StreamingQueue,
    run: string,
    { items, bytes }: Credit,
  ) {
    this.#owner = owner;
    this.#requests = requests;
    this.run = run;
    this.#maxItems = items;
    this.#maxBytes = bytes;
  }

  /** The callback queue. */
  get replyTo(): string {
    return this.#owner.request.replyTo!;
  }

  /** Items that were sent. */
  get items(): number {
    return this.#items;
  }

  /** What it waits for. */
  get state(): StreamState {
    return this.#state;
  }

  /**
   * Sends all items; resolves when the broker has them.
   *
   * @throws {RpcError} if there are too many, or one can't be sent; and what
   * the source fails with.
   */
  async send(source: ItemSource): Promise<undefined> {
    this.#source = source;
    if (this.#closed) source.cancel(undefined);
    try {
      while (!this.#closed) {
        if (!this.#hasRoom) {
          await this.#room();
          continue;
        }
        const turn = this.#owner.pace.take(this.#port);
        if (turn) await turn;
        const next = await source.next();
        if (next.done) break;
        // The first is on its way while further ones are made.
        if (this.#items === 1) await endOfTurn();
        if (!this.#closed) this.#sendItem(next.value);
      }
    } catch (error) {
      source.cancel(error);
      await this.#allTaken();
      throw error;
    }
    await this.#allTaken();
  }

  /** What comes next must not overtake items, whatever becomes of connections. */
  async #allTaken(): Promise<void> {
    while (!this.#closed && this.#sent.count > 0) {
      if (this.#state !== "disconnected") {
        this.#wait("blocked");
        this.#sent.ask(this.#port);
      }
      await this.#woken();
    }
  }

  /** The caller grants more; less than before is not heard. */
  grant({ items, bytes }: Credit): void {
    this.#maxItems = Math.max(items, this.#maxItems);
    this.#maxBytes = Math.max(bytes, this.#maxBytes);
    this.#resume();
  }

  /** Tells the caller that it goes on. */
  tellAlive(): void {
    this.dueMs = coarseDueMs(ALIVE_MS);
    if (this.#state === "disconnected") return;
    // Whatever it was that took so long: what was sent need not be kept.
    this.#sent.ask(this.#port);
    const { correlationId } = this.#owner.request;
    const properties = aliveMessage(correlationId, this.#runId);
    // Over the channel of replies: an error that follows must not overtake it.
    this.#requests.publish(this.replyTo, NO_BODY, properties, IGNORED);
  }

  /** Nothing is sent until the request comes again. */
  disconnected(): void {
    this.#introduced = false;
    this.#wait("disconnected");
  }

  /** Goes on over another connection, where it was. */
  reconnected(requests: StreamingQueue): void {
    this.#requests = requests;
    this.#state = "running";
    const { first } = this.#sent;
    if (first) this.#introduce(first);
    // A stream without credit gets none before its caller knows where to.
    else this.tellAlive();
    this.#sent.resend(this.#port, this.replyTo);
    this.#owner.progressed(this.#state, nowMs());
    this.#resume();
  }

  /** Sends nothing more, and ends the source. */
  close(reason: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#source?.cancel(reason);
    this.#wake?.();
  }

  get #port(): StreamPort {
    return this.#requests.streams;
  }

  get #runId(): Run {
    return { id: this.run, controlQueue: this.#port.controlQueue };
  }

  get #isGranted(): boolean {
    return this.#items < this.#maxItems && this.#bytes < this.#maxBytes;
  }

  get #hasRoom(): boolean {
    return this.#isGranted && this.#state !== "disconnected" &&
      this.#sent.hasRoom;
  }

  async #room(): Promise<void> {
    if (this.#state !== "disconnected") {
      this.#wait(this.#isGranted ? "blocked" : "stalled");
      // It may take long: what was sent need not be kept meanwhile.
      this.#sent.ask(this.#port);
    }
    await this.#woken();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  #wait(state: StreamState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#owner.progressed(state, nowMs());
  }

  #resume(): void {
    if (this.#state !== "disconnected" && this.#hasRoom) this.#wait("running");
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #sendItem(value: unknown): void {
    const message = itemMessage(this.#owner.request, value, this.#items);
    const { length } = message.body;
    const items = this.#items + 1;
    const bytes = this.#bytes + length;
    checkItem(this.#owner.streamLimits, length, items, bytes);
    // Whatever waits for another connection is introduced there.
    const isIntroduced = this.#introduced || this.#state === "disconnected";
    if (!isIntroduced) this.#introduce(message);
    this.#items = items;
    this.#bytes = bytes;
    const sentMs = nowMs();
    this.dueMs = coarseDueMs(ALIVE_MS, sentMs);
    this.#owner.progressed(this.#state, sentMs);
    this.#sent.send(this.#port, this.replyTo, message);
  }

  #introduce(message: OutgoingMessage): void {
    introduce(message, this.#runId);
    this.#introduced = true;
  }

  /** See {@linkcode ItemSender.taken}. */
  taken(): void {
    this.#resume();
  }

  /** See {@linkcode ItemSender.failed}. */
  failed(error: RpcError): void {
    if (error.reason === "connection_lost") this.disconnected();
    else this.#owner.abort(unsendable(error));
  }
}
