/**
 * The caller's side of one stream.
 *
 * @module
 */
import { nowMs } from "../../../async/clock.ts";
import { coarseDueMs } from "../../../async/deadlines.ts";
import { RpcError } from "../../errors.ts";
import type { MessageHeaders, RpcReply } from "../../messages.ts";
import {
  cancelMessage,
  countOf,
  creditMessage,
  MESSAGE_TYPES,
  NO_BODY,
  type Run,
  RUN_HEADER,
  runOf,
  SEQ_HEADER,
  SILENCE_MS,
} from "../../stream_wire.ts";
import type { CallbackQueue, Delivery } from "../../transport.ts";
import { decodeReply } from "../../wire.ts";
import { PendingCall, type PendingCalls } from "../pending.ts";
import { ReceivedItems } from "./received_items.ts";
import type { ReplyBuffer } from "./reply_buffer.ts";
import type { StreamCredit } from "./stream_credit.ts";
import {
  afterItems,
  idleTimeout,
  silentServer,
  streamTimeout,
} from "./stream_failures.ts";
import type { StreamSettings } from "./stream_options.ts";

/** A timer that is so late tells that this program was stopped meanwhile. */
const LATE_MS = 1_000;

/** One attempt to begin a stream. */
export interface Attempt {
  readonly buffer: ReplyBuffer;
  /** When the first of all attempts began, on the clock of `nowMs()`. */
  readonly beganMs: number;
  /** When the first item is due. */
  readonly firstDueMs: number;
  /** It failed, after the items in the buffer. */
  readonly onFailed: (error: RpcError) => void;
}

/** What a stream is made of. */
export interface PendingStreamParts extends Attempt {
  readonly table: PendingCalls;
  readonly queue: string;
  readonly settings: StreamSettings;
  readonly credit: StreamCredit;
  /** When the stream as a whole is due. */
  readonly dueMs: number;
  /** Tells all servers of the queue that the call is canceled. */
  readonly onCancel: (correlationId: string) => void;
  /** It has ended. */
  readonly onEnd: () => void;
}

const NO_HEADERS: MessageHeaders = {};

/** A pending call that many messages answer. */
export class PendingStream extends PendingCall {
  readonly #parts: PendingStreamParts;
  readonly #items: ReceivedItems;
  readonly #credit: StreamCredit;
  #run: Run | undefined;
  #callbackQueue: CallbackQueue | undefined;
  #isEndedByServer = false;
  /** When the server was last heard, and when an item was last waited for. */
  #heardMs = nowMs();
  #idleMs = this.#heardMs;

  /** Not in the table yet. */
  constructor(parts: PendingStreamParts) {
    const { table, queue, settings, firstDueMs, buffer, onFailed } = parts;
    const { timeoutMs, idleTimeoutMs } = settings;
    const target = {
      queue,
      dueMs: firstDueMs,
      timeoutMs: Math.min(timeoutMs, idleTimeoutMs),
    };
    super(table, target, () => buffer.end(), onFailed);
    this.#parts = parts;
    this.#items = new ReceivedItems(settings.restart === "skip");
    this.#credit = parts.credit;
  }

  /** Whether anything was heard of a server. */
  get isHeard(): boolean {
    return this.#run !== undefined || this.#items.count > 0;
  }

  /** A message of the stream. */
  override receive(delivery: Delivery, callbackQueue: CallbackQueue): void {
    this.#callbackQueue = callbackQueue;
    this.#heardMs = nowMs();
    const { properties } = delivery;
    const run = runOf(properties);
    const broken = run && this.#introduce(run);
    if (broken) return this.#fail(broken);
    const { headers = NO_HEADERS, type } = properties;
    if (type === MESSAGE_TYPES.alive && RUN_HEADER in headers) this.#onAlive();
    else this.#onReply(decodeReply(delivery), headers[SEQ_HEADER], type);
    this.#setDue();
  }

  /** The reader took an item. */
  taken(reply: RpcReply): void {
    if (this.#credit.taken(reply.byteLength)) this.#grant();
  }

  /** The reader waits for an item. */
  awaited(): void {
    this.#idleMs = nowMs();
    this.#setDue();
  }

  /** What came while this program was stopped is read before it is missed. */
  override extended(): boolean {
    const atMs = nowMs();
    if (atMs - this.dueMs < LATE_MS) return false;
    this.dueMs = atMs + LATE_MS;
    return true;
  }

  /** Undefined if no server was heard at all. */
  override overdue(): RpcError | undefined {
    if (!this.isHeard) return undefined;
    const { settings, dueMs } = this.#parts;
    const { count } = this.#items;
    const atMs = nowMs();
    if (atMs >= dueMs) return streamTimeout(settings.timeoutMs, count);
    if (this.#isSilent(atMs)) return silentServer(count);
    const isAlive = this.#heardMs > this.#idleMs;
    return idleTimeout(settings.idleTimeoutMs, count, isAlive);
  }

  /** It does, and directly if it knows the server. */
  override get cancelsItself(): boolean {
    return true;
  }

  /** For the table. */
  override end(outcome: RpcReply | RpcError): void {
    const isError = outcome instanceof RpcError;
    // Whoever gives it up wants none of it any more.
    const isGivenUp = isError && outcome.code === "canceled" &&
      !outcome.remote;
    if (isGivenUp) this.#parts.buffer.clear();
    super.end(isError ? afterItems(outcome, this.#items.count) : outcome);
    this.#parts.onEnd();
    if (!this.#isEndedByServer && this.sent) this.#cancel(this.#run);
  }

  #onReply(reply: RpcReply | RpcError, seq: unknown, type?: string): void {
    if (reply instanceof RpcError) return this.#complete(reply);
    if (type === MESSAGE_TYPES.end && seq !== undefined) {
      const error = this.#items.end(countOf(seq));
      return error ? this.#fail(error) : this.#complete(reply);
    }
    if (seq !== undefined) return this.#onItem(reply, countOf(seq));
    // A server that knows nothing of streams.
    const error = this.#items.single();
    if (error) return this.#fail(error);
    this.#parts.buffer.push(reply);
    this.#complete(reply);
  }

  #onItem(reply: RpcReply, seq: number | undefined): void {
    const outcome = this.#items.add(reply, seq, this.#credit.granted.items);
    if (outcome instanceof RpcError) return this.#fail(outcome);
    // Those that are left out take their time as well.
    this.#idleMs = this.#heardMs;
    if (outcome === "new") this.#parts.buffer.push(reply);
  }

  /** An error if that run can't go on where another one was. */
  #introduce(run: Run): RpcError | undefined {
    const known = this.#run;
    if (known?.id === run.id && known.controlQueue === run.controlQueue) return;
    if (known !== undefined && known.id !== run.id) {
      const error = this.#items.startAgain();
      if (error) this.#cancel(run);
      if (error) return error;
    }
    this.#run = run;
    // Whatever the server was told before, that queue has not heard it.
    if (known !== undefined || this.#credit.isUsed) this.#grant();
  }

  #onAlive(): void {
    // What it was told may be lost.
    if (this.#parts.buffer.isAwaited && this.#credit.isUsed) this.#grant();
  }

  #grant(): void {
    const run = this.#run;
    if (run === undefined || this.#isEndedByServer) return;
    const credit = this.#credit.grant();
    this.#tell(run, creditMessage(this.correlationId, run, credit));
  }

  #cancel(run: Run | undefined): void {
    const { correlationId } = this;
    if (run === undefined) return this.#parts.onCancel(correlationId);
    this.#tell(run, cancelMessage(correlationId, run));
  }

  #tell(run: Run, properties: ReturnType<typeof cancelMessage>): void {
    const { controlQueue } = run;
    const callbackQueue = this.#callbackQueue!;
    callbackQueue.publishUnconfirmed(
      controlQueue,
      NO_BODY,
      properties,
      IGNORED,
    );
  }

  #complete(outcome: RpcReply | RpcError): void {
    this.#isEndedByServer = true;
    this.#fail(outcome);
  }

  #fail(outcome: RpcReply | RpcError): void {
    this.#parts.table.remove(this);
    this.end(outcome);
  }

  #isSilent(atMs: number): boolean {
    return this.#silenceDueMs <= atMs;
  }

  /** One that may be run again is waited for as long as for any item. */
  get #silenceDueMs(): number {
    const { restart } = this.#parts.settings;
    const isTold = this.#run !== undefined && restart !== "skip";
    return isTold ? coarseDueMs(SILENCE_MS, this.#heardMs) : Infinity;
  }

  #setDue(): void {
    const { buffer, dueMs, settings } = this.#parts;
    const idleDueMs = buffer.isAwaited
      ? coarseDueMs(settings.idleTimeoutMs, this.#idleMs)
      : Infinity;
    const before = this.dueMs;
    this.dueMs = Math.min(dueMs, idleDueMs, this.#silenceDueMs);
    if (this.dueMs < before) this.#parts.table.hasten(this);
  }
}

/** Repeated by what comes later, or of no use any more. */
const IGNORED = { confirmed() {}, failed() {} };
