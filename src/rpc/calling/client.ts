/**
 * Calling: one exclusive callback queue, read with an async iterator, whose
 * replies settle the pending calls by correlation id.
 *
 * @module
 */
import { type Call, needsConfirm, newCall } from "./call.ts";
import type { CallOptions } from "./call_options.ts";
import { RpcError } from "../errors.ts";
import {
  absenceOf,
  canceledError,
  closedError,
  connectionLost,
  noQueue,
  overtaken,
  timeoutError,
  unknownServer,
} from "../failures.ts";
import {
  type ClientOptions,
  intercepted,
  type OutgoingCall,
  type SendCall,
} from "../interceptor.ts";
import { Inspections, type InspectOptions } from "./inspections.ts";
import { Outbox } from "./outbox.ts";
import { queueName } from "../limits.ts";
import { PendingCall, PendingCalls } from "./pending.ts";
import { type MessageData, textOrBytes, toBytes } from "../procedure.ts";
import { withRetries } from "./retries.ts";
import { Session } from "./session.ts";
import { SharedSignals } from "./shared_signals.ts";
import { Trials } from "./trial.ts";
import { whyNoReply } from "./why_no_reply.ts";
import type { QueueInfo, ReturnedMessage, Transport } from "../transport.ts";
import { decodeReply, type RpcReply } from "../wire.ts";

/** Counters of a client, for monitoring. */
export interface ClientStats {
  /** Calls that wait for their reply. */
  readonly pending: number;
  /** Replies that came late, twice, or that nobody asked for. */
  readonly unknownReplies: number;
}

const NO_OPTIONS: CallOptions = Object.freeze({});

/**
 * Calls procedures over a transport. One client serves any number of calls at
 * once, to any queues.
 *
 * @example Over a transport of its own; `connect()` is the shorter way
 * ```ts
 * import {
 *   AmqpTransport,
 *   connectSettings,
 *   RpcClient,
 *   RpcError,
 * } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 *
 * const url = Deno.env.get("AMQP_URL") ?? "amqp://localhost";
 * await using transport = new AmqpTransport(connectSettings(url));
 * await using client = new RpcClient(transport);
 * await assert.rejects(
 *   client.call("no_such_queue", "30"),
 *   (error: RpcError) => error.reason === "no_queue",
 * );
 * assert.equal(client.stats.pending, 0);
 * ```
 */
export class RpcClient implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #options: ClientOptions;
  /** Only where there are interceptors: others' calls don't go that way. */
  readonly #outermost: SendCall | undefined;
  readonly #pending = new PendingCalls({
    onDeadline: (call) => void this.#onDeadline(call),
    onRefused: ({ queue }) => this.#session?.doubt(queue),
    onUnsent: (call) => this.#outbox.take(call),
  });
  readonly #outbox: Outbox;
  readonly #trials = new Trials();
  readonly #signals = new SharedSignals<PendingCall>((call, signal) =>
    this.#cancel(call, signal)
  );
  readonly #inspections = new Inspections();
  #session: Session | undefined;
  #opening: Promise<Session> | undefined;
  /** Aborted, and made anew, whenever there is a session again. */
  #reopened = new AbortController();
  #closed = false;
  #closing: Promise<void> | undefined;
  #unknownReplies = 0;

  /** A client of this transport; connects with the first call. */
  constructor(transport: Transport, options: ClientOptions = {}) {
    this.#transport = transport;
    this.#options = options;
    const { interceptors = [], maxUnsentBytes } = options;
    this.#outbox = new Outbox(maxUnsentBytes);
    this.#outermost = interceptors.length === 0 ? undefined : intercepted(
      ({ queue, body, options }) => this.#start(queue, body, options),
      interceptors,
    );
  }

  /** Counters, as they are now. */
  get stats(): ClientStats {
    return {
      pending: this.#pending.size,
      unknownReplies: this.#unknownReplies,
    };
  }

  /** Connects and opens the callback queue now, ahead of the first call. */
  async open(): Promise<void> {
    await this.#openSession();
  }

  /**
   * Sends a request and resolves with its reply.
   *
   * @throws {RpcError} what the procedure answered (`remote` is true), or
   * `unavailable` where there is no queue, no server or no broker, or
   * `deadline_exceeded`, or `canceled`.
   * @throws {RangeError} where an option is out of its range.
   * @throws {TypeError} where something is of another type than it should be.
   */
  call(
    queue: string,
    body: MessageData,
    options: CallOptions = NO_OPTIONS,
  ): Promise<RpcReply> {
    try {
      return this.#outermost === undefined
        ? this.#start(queue, body, options)
        : this.#outermost({ queue, body: textOrBytes(body), options });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * What the broker tells of a queue; undefined where there is none. It may
   * take `timeoutMs`, by default 30 s: a broker that blocks a connection does
   * not even read from it.
   *
   * @throws {RpcError} where the broker can't be asked, does not answer, or
   * does not tell: `refused` without a permission on the queue (RabbitMQ 4.2.6
   * and later), `locked` where it is exclusive to another connection.
   */
  async inspect(
    queue: string,
    options: InspectOptions = {},
  ): Promise<QueueInfo | undefined> {
    queueName(queue);
    return await this.#inspections.inspect(
      queue,
      options,
      () => this.#openSession(),
    );
  }

  /**
   * Fails what still waits with `canceled` and deletes the callback queue; the
   * transport stays open. Where that is closed next, `keepQueue` saves the
   * round trips: the queue goes with its connection. May be called again: all
   * calls resolve together.
   */
  close(options: { keepQueue?: boolean } = {}): Promise<void> {
    return this.#closing ??= this.#close(options);
  }

  async #close(options: { keepQueue?: boolean }): Promise<void> {
    this.#closed = true;
    const session = this.#session;
    this.#session = undefined;
    this.#pending.failAll((call) =>
      new RpcError("canceled", "the client was closed", {
        reason: "closed",
        maybeExecuted: call.sent,
      })
    );
    // Calls that pause before they are sent again end now.
    this.#reopened.abort();
    if (!options.keepQueue) await session?.callbackQueue.close();
  }

  /** The same as {@linkcode RpcClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(
    queue: string,
    body: MessageData,
    options: CallOptions,
  ): Promise<RpcReply> {
    const call = newCall(queue, body, options);
    if (call.attempts) return this.#callAgain(call, call.attempts);
    options.onAttempt?.(1);
    return this.#attempt(call);
  }

  /** Makes attempts until one ends the call, or its time is up. */
  async #callAgain(call: Call, attempts: PendingCall[]): Promise<RpcReply> {
    const { options, dueMs } = call;
    try {
      return await withRetries((attempt) => {
        options.onAttempt?.(attempt);
        return this.#attempt(call);
      }, {
        ...options,
        dueMs,
        survived: (error) => call.trial?.survived(error) ?? true,
        reconnected: () => this.#reopened.signal,
      });
    } finally {
      for (const attempt of attempts) this.#fail(attempt, overtaken());
    }
  }

  #attempt(call: Call): Promise<RpcReply> {
    const { attemptInterceptors } = this.#options;
    if (attemptInterceptors === undefined) return this.#request(call);
    const send = ({ queue, body, options }: OutgoingCall) => {
      const confirm = call.confirm || needsConfirm(options);
      const bytes = toBytes(body);
      return this.#request({ ...call, queue, body: bytes, options, confirm });
    };
    return intercepted(send, attemptInterceptors)(call);
  }

  /** One request and its outcome; registered before it is written. */
  #request(call: Call): Promise<RpcReply> {
    const { options } = call;
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError());
      const pending = new PendingCall(this.#pending, call, resolve, reject);
      if (options.signal && !this.#watch(options.signal, pending)) return;
      call.attempts?.push(pending);
      this.#pending.add(pending);
      const session = this.#session;
      try {
        if (session !== undefined && !options.requireConsumer) {
          return this.#send(session, pending, call);
        }
        this.#outbox.add(pending, call);
      } catch (error) {
        return this.#fail(pending, RpcError.from(error));
      }
      this.#sendPrepared(pending, call.queue, options);
    });
  }

  /** Does not hold on to the body: the call may be over by then. */
  async #sendPrepared(
    pending: PendingCall,
    queue: string,
    options: CallOptions,
  ): Promise<void> {
    try {
      const session = await this.#prepare(queue, options);
      const call = this.#outbox.take(pending);
      if (call) this.#send(session, pending, call);
    } catch (error) {
      this.#fail(pending, RpcError.from(error));
    }
  }

  #send(session: Session, pending: PendingCall, call: Call): void {
    const { trial } = call;
    if (!trial?.suspect) return this.#outbox.send(session, pending, call);
    this.#trials.enter(trial, () => {
      const waits = this.#pending.has(pending.correlationId);
      if (waits) this.#outbox.send(session, pending, call);
      return waits;
    }, (error) => this.#fail(pending, error));
  }

  /** Lets an abort cancel the call; false where it has happened already. */
  #watch(signal: AbortSignal, call: PendingCall): boolean {
    if (signal.aborted) {
      call.end(canceledError(signal, false));
      return false;
    }
    this.#signals.add(signal, call);
    call.onEnd = () => this.#signals.delete(signal, call);
    return true;
  }

  #cancel(call: PendingCall, signal: AbortSignal): void {
    const waited = this.#fail(call, canceledError(signal, call.sent));
    if (!waited || !call.sent) return;
    this.#session?.doubt(call.queue);
    this.#cancelOnServer(call);
  }

  /** Whoever runs it may stop; that it goes on after all is no error. */
  #cancelOnServer({ queue, correlationId }: PendingCall): void {
    this.#session?.link.cancelCall(queue, correlationId).catch(() => {
      // The connection was lost meanwhile, and the call is over already.
    });
  }

  async #prepare(queue: string, options: CallOptions): Promise<Session> {
    const session = await this.#openSession();
    if (options.requireConsumer) {
      const info = await this.inspect(queue).catch((error) => {
        throw unknownServer(queue, error);
      });
      const absence = absenceOf(queue, info, session.link.vhost);
      if (absence !== undefined) throw absence;
    }
    return session;
  }

  #fail(call: PendingCall, error: RpcError): boolean {
    return this.#pending.settle(call.correlationId, error);
  }

  /** The live session; opened, once for all who wait, where there is none. */
  #openSession(): Promise<Session> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#session) return Promise.resolve(this.#session);
    this.#opening ??= this.#newSession().finally(() =>
      this.#opening = undefined
    );
    return this.#opening;
  }

  async #newSession(): Promise<Session> {
    const link = await this.#transport.link();
    const callbackQueue = await link.openCallbackQueue((message) =>
      this.#onReturn(message, link.vhost)
    );
    const session = new Session(link, callbackQueue);
    if (this.#closed) {
      await callbackQueue.close();
      throw closedError();
    }
    this.#session = session;
    this.#reopened.abort();
    this.#reopened = new AbortController();
    this.#read(session).catch((error) => this.#onLost(session, error));
    return session;
  }

  async #read(session: Session): Promise<void> {
    for await (const delivery of session.callbackQueue) {
      const call = this.#pending.take(delivery.properties.correlationId);
      if (call === undefined) {
        this.#unknownReplies++;
        this.#options.onUnknownReply?.();
        continue;
      }
      session.answered(call.queue);
      call.end(decodeReply(delivery));
    }
    throw connectionLost("the callback queue was closed");
  }

  /** Runs before any call can use the next session: all sent ones are hit. */
  #onLost(session: Session, cause: unknown): void {
    this.#session = undefined;
    this.#pending.failAll((call) => connectionLost(cause, call.sent));
    // The connection may live on, without the queue: nothing is left behind.
    session.callbackQueue.close().catch(() => {
      // It is gone with its connection.
    });
  }

  #onReturn(message: ReturnedMessage, vhost: string): void {
    const { replyCode, replyText, routingKey, properties } = message;
    this.#pending.settle(
      properties.correlationId,
      noQueue(routingKey, vhost, ` (${replyCode} ${replyText})`),
    );
  }

  /** Rejects a call whose time is up, once it is known whether by absence. */
  async #onDeadline(call: PendingCall): Promise<void> {
    if (call.sent) this.#session?.doubt(call.queue);
    const link = this.#session?.link;
    call.end(
      link
        ? await whyNoReply(call, link, this.#inspections)
        : timeoutError(call),
    );
  }
}
