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
  IGNORED,
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
import type { ItemTaker, ReplyBuffer } from "./reply_buffer.ts";
import type { StreamCredit } from "./stream_credit.ts";
import {
  afterItems,
  idleTimeout,
  silentServer,
  streamTimeout,
} from "./stream_failures.ts";
import { firstItemMs, type StreamSettings } from "./stream_options.ts";

/** A timer that is so late tells that this program was stopped meanwhile. */
const LATE_MS = 1_000;

/** Who reads a stream, through one attempt or several. */
export interface StreamReader {
  readonly buffer: ReplyBuffer;
  /** The attempt failed, after the items in the buffer. */
  failed(error: RpcError): void;
}

/** What all streams of a client have in common. */
export interface StreamTable {
  readonly pending: PendingCalls;
  /** Tells all servers of the queue that the call is canceled. */
  cancel(stream: PendingStream): void;
  /** It has ended. */
  ended(stream: PendingStream): void;
}

/** What one attempt to begin a stream is made of. */
export interface StreamAttempt {
  readonly reader: StreamReader;
  readonly queue: string;
  readonly settings: StreamSettings;
  readonly credit: StreamCredit;
  /** When the first of all attempts began, on the clock of `nowMs()`. */
  readonly beganMs: number;
  /** Where progress is asked for: the correlation id of its messages. */
  readonly progressId: string | undefined;
}

const NO_HEADERS: MessageHeaders = {};

/** A pending call that many messages answer. */
export class PendingStream extends PendingCall implements ItemTaker {
  /** When the stream as a whole is due. */
  readonly streamDueMs: number;
  readonly progressId: string | undefined;
  readonly #table: StreamTable;
  readonly #reader: StreamReader;
  readonly #settings: StreamSettings;
  readonly #credit: StreamCredit;
  readonly #items: ReceivedItems;
  #run: Run | undefined;
  #callbackQueue: CallbackQueue | undefined;
  #isEndedByServer = false;
  /** When the server was last heard, and when an item was last waited for. */
  #heardMs = nowMs();
  #idleMs = this.#heardMs;

  /** Not in the table yet. */
  constructor(table: StreamTable, attempt: StreamAttempt) {
    const { queue, settings, beganMs } = attempt;
    const timeoutMs = firstItemMs(settings);
    super(table.pending, { queue, dueMs: beganMs + timeoutMs, timeoutMs });
    this.#table = table;
    this.#reader = attempt.reader;
    this.#settings = settings;
    this.#credit = attempt.credit;
    this.#items = new ReceivedItems(settings.restart === "skip");
    this.streamDueMs = beganMs + settings.timeoutMs;
    this.progressId = attempt.progressId;
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
    const { timeoutMs, idleTimeoutMs } = this.#settings;
    const { count } = this.#items;
    const atMs = nowMs();
    if (atMs >= this.streamDueMs) return streamTimeout(timeoutMs, count);
    if (atMs >= this.#silenceDueMs) return silentServer(count);
    const isAlive = this.#heardMs > this.#idleMs;
    return idleTimeout(idleTimeoutMs, count, isAlive);
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
    const { buffer } = this.#reader;
    if (isGivenUp) buffer.clear();
    super.end(outcome);
    if (isError) this.#reader.failed(afterItems(outcome, this.#items.count));
    else buffer.end();
    this.#table.ended(this);
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
    this.#reader.buffer.push(reply);
    this.#complete(reply);
  }

  #onItem(reply: RpcReply, seq: number | undefined): void {
    const outcome = this.#items.add(reply, seq, this.#credit.grantedItems);
    if (outcome instanceof RpcError) return this.#fail(outcome);
    if (outcome === "not new") return;
    // Those that a second run repeats take their time as well.
    this.#idleMs = this.#heardMs;
    if (outcome === "new") this.#reader.buffer.push(reply);
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
    if (this.#reader.buffer.isAwaited && this.#credit.isUsed) this.#grant();
  }

  #grant(): void {
    const run = this.#run;
    if (run === undefined || this.#isEndedByServer) return;
    const credit = this.#credit.grant();
    this.#tell(run, creditMessage(this.correlationId, run, credit));
  }

  #cancel(run: Run | undefined): void {
    if (run === undefined) return this.#table.cancel(this);
    this.#tell(run, cancelMessage(this.correlationId, run));
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
    this.#table.pending.remove(this);
    this.end(outcome);
  }

  /** One that may be run again is waited for as long as for any item. */
  get #silenceDueMs(): number {
    const { restart } = this.#settings;
    const isTold = this.#run !== undefined && restart !== "skip";
    return isTold ? coarseDueMs(SILENCE_MS, this.#heardMs) : Infinity;
  }

  #setDue(): void {
    const idleDueMs = this.#reader.buffer.isAwaited
      ? coarseDueMs(this.#settings.idleTimeoutMs, this.#idleMs)
      : Infinity;
    const before = this.dueMs;
    this.dueMs = Math.min(this.streamDueMs, idleDueMs, this.#silenceDueMs);
    if (this.dueMs < before) this.#table.pending.hasten(this);
  }
}
