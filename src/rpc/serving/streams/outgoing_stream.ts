/**
 * The server's side of one stream: sends items as they come, within the
 * caller's credit.
 *
 * @module
 */
import { nowMs } from "../../../async/clock.ts";
import { coarseDueMs } from "../../../async/deadlines.ts";
import type { TurnBudget } from "../../../async/turn_budget.ts";
import { RpcError } from "../../errors.ts";
import type { RpcRequest } from "../../messages.ts";
import {
  ALIVE_MS,
  aliveMessage,
  type Credit,
  NO_BODY,
  type Run,
  RUN_HEADER,
  SEQ_HEADER,
} from "../../stream_wire.ts";
import type {
  PublishListener,
  RequestQueue,
  StreamPort,
} from "../../transport.ts";
import { encodeReply, type OutgoingMessage } from "../../wire.ts";
import type { ItemSource } from "../item_source.ts";
import { replyTooLarge } from "../request_limits.ts";
import { sendableValue } from "../result_values.ts";
import { unsendable } from "../replies.ts";
import { SentItems } from "./sent_items.ts";
import { type StreamLimits, tooMany } from "./stream_limits.ts";

/** A request queue that streams may be sent from. */
export type StreamingQueue = RequestQueue & { readonly streams: StreamPort };

/** What a stream waits for. */
export type StreamState =
  /** The procedure's next item. */
  | "running"
  /** Credit of the caller. */
  | "stalled"
  /** The broker, which has not taken what was sent. */
  | "blocked"
  /** The request, which is to be delivered again over another connection. */
  | "disconnected";

/** What a stream is made of. */
export interface StreamParts {
  readonly run: string;
  readonly request: RpcRequest;
  readonly requests: StreamingQueue;
  readonly credit: Credit;
  readonly limits: StreamLimits;
}

/** What a stream tells, and has of others. */
export interface StreamHooks {
  /** An item each; shared by all streams. */
  readonly turns: TurnBudget;
  /** It waits for something else, or an item was sent, at this time. */
  onState: (state: StreamState, atMs: number) => void;
  /** It can't go on. */
  onFailed: (error: RpcError) => void;
}

/** What is lost of it is not sent again. */
const IGNORED: PublishListener = { confirmed() {}, failed() {} };

/** One run's items. */
export class OutgoingStream {
  readonly request: RpcRequest;
  readonly run: string;
  readonly replyTo: string;
  /** When it has told nothing for too long, on the clock of `nowMs()`. */
  dueMs: number = coarseDueMs(ALIVE_MS);
  readonly #limits: StreamLimits;
  readonly #hooks: StreamHooks;
  readonly #sent = new SentItems({
    onTaken: () => this.#resume(),
    onFailed: (error) => this.#failed(error),
  });
  #requests: StreamingQueue;
  #credit: Credit;
  #items = 0;
  #bytes = 0;
  #introduced = false;
  #state: StreamState = "running";
  #source: ItemSource | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  /** Sends nothing yet. */
  constructor(parts: StreamParts, hooks: StreamHooks) {
    this.request = parts.request;
    this.run = parts.run;
    this.replyTo = parts.request.replyTo!;
    this.#requests = parts.requests;
    this.#credit = parts.credit;
    this.#limits = parts.limits;
    this.#hooks = hooks;
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
  async send(source: ItemSource): Promise<void> {
    this.#source = source;
    if (this.#closed) source.cancel(undefined);
    try {
      while (!this.#closed) {
        if (!this.#hasRoom) {
          await this.#room();
          continue;
        }
        const turn = this.#hooks.turns.take();
        if (turn) await turn;
        const next = await source.next();
        if (next.done) break;
        if (!this.#closed) {
          this.#sendItem(sendableItem(this.request, next.value));
        }
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
    this.#credit = {
      items: Math.max(items, this.#credit.items),
      bytes: Math.max(bytes, this.#credit.bytes),
    };
    this.#resume();
  }

  /** Tells the caller that it goes on. */
  tellAlive(): void {
    this.dueMs = coarseDueMs(ALIVE_MS);
    if (this.#state === "disconnected") return;
    // Whatever it was that took so long: what was sent need not be kept.
    this.#sent.ask(this.#port);
    const properties = aliveMessage(this.request.correlationId, this.#runId);
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
    this.#hooks.onState(this.#state, nowMs());
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
    return this.#items < this.#credit.items &&
      this.#bytes < this.#credit.bytes;
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
    this.#hooks.onState(state, nowMs());
  }

  #resume(): void {
    if (this.#state !== "disconnected" && this.#hasRoom) this.#wait("running");
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #sendItem(message: OutgoingMessage): void {
    const { length } = message.body;
    const { maxReplyBytes, maxStreamItems, maxStreamBytes } = this.#limits;
    if (length > maxReplyBytes) throw replyTooLarge(length, maxReplyBytes);
    const error = tooMany("items", this.#items + 1, maxStreamItems) ??
      tooMany("bytes", this.#bytes + length, maxStreamBytes);
    if (error) throw error;
    const { properties } = message;
    properties.headers = { ...properties.headers, [SEQ_HEADER]: this.#items };
    // Whatever waits for another connection is introduced there.
    const isIntroduced = this.#introduced || this.#state === "disconnected";
    if (!isIntroduced) this.#introduce(message);
    this.#items++;
    this.#bytes += length;
    const sentMs = nowMs();
    this.dueMs = coarseDueMs(ALIVE_MS, sentMs);
    this.#hooks.onState(this.#state, sentMs);
    this.#sent.send(this.#port, this.replyTo, message);
  }

  /** Lets a message say where control messages go. */
  #introduce({ properties }: OutgoingMessage): void {
    const run = this.#runId;
    properties.replyTo = run.controlQueue;
    properties.headers = { ...properties.headers, [RUN_HEADER]: run.id };
    this.#introduced = true;
  }

  #failed(error: RpcError): void {
    if (error.reason === "connection_lost") this.disconnected();
    else this.#hooks.onFailed(unsendable(error));
  }
}

function sendableItem(request: RpcRequest, value: unknown): OutgoingMessage {
  try {
    return encodeReply(request, sendableValue(value));
  } catch (thrown) {
    throw RpcError.from(thrown);
  }
}
