/**
 * Calling: one exclusive callback queue, read with an async iterator, whose
 * replies settle the pending calls by correlation id.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "./backoff.ts";
import { RpcError } from "./errors.ts";
import {
  absenceOf,
  canceledError,
  closedError,
  connectionLost,
  isAbsence,
  noQueue,
  timeoutError,
} from "./failures.ts";
import { durationMs, queueName } from "./limits.ts";
import { type PendingCall, PendingCalls } from "./pending.ts";
import { toBytes } from "./procedure.ts";
import type {
  CallbackQueue,
  Link,
  MessageHeaders,
  QueueInfo,
  ReturnedMessage,
  Transport,
} from "./transport.ts";
import { decodeReply, requestProperties, type RpcReply } from "./wire.ts";

/** How one call is made. */
export interface CallOptions {
  /**
   * The one deadline of the call, from now, in ms: connecting, publishing and
   * waiting for the reply are all within it.
   *
   * @default {30000}
   */
  timeoutMs?: number;
  /** Cancels the call: it fails with `canceled`. */
  signal?: AbortSignal;
  /** The method, where the server offers several. */
  type?: string;
  /** Headers of the request. */
  headers?: MessageHeaders;
  /** MIME type of the body. */
  contentType?: string;
  /**
   * Whether the broker keeps the request on disk, in a durable queue.
   *
   * @default {false}
   */
  persistent?: boolean;
  /**
   * Whether to wait, within the time-out, for the broker and the queue to
   * appear instead of failing at once.
   *
   * @default {false}
   */
  wait?: boolean;
  /**
   * Whether to fail at once when no server consumes the queue, at the cost of
   * one more round trip.
   *
   * @default {false}
   */
  requireConsumer?: boolean;
  /** Hears of each attempt, counted from 1; there are more with `wait`. */
  onAttempt?: (attempt: number) => void;
}

/** Counters of a client, for monitoring. */
export interface ClientStats {
  /** Calls that wait for their reply. */
  readonly pending: number;
  /** Replies that came late, twice, or that nobody asked for. */
  readonly unknownReplies: number;
}

/** The default of {@linkcode CallOptions.timeoutMs}. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** How long a timed-out call may wait to learn that it had no server. */
const DIAGNOSIS_MS = 500;

/** A callback queue on a live connection. */
interface Session {
  readonly link: Link;
  readonly callbackQueue: CallbackQueue;
}

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
  readonly #pending = new PendingCalls((call) => this.#onDeadline(call));
  readonly #inspections = new Map<string, Promise<QueueInfo | undefined>>();
  #session: Session | undefined;
  #opening: Promise<Session> | undefined;
  #closed = false;
  #unknownReplies = 0;

  /** A client of this transport; connects with the first call. */
  constructor(transport: Transport) {
    this.#transport = transport;
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
   */
  async call(
    queue: string,
    body: string | Uint8Array,
    options: CallOptions = {},
  ): Promise<RpcReply> {
    queueName(queue);
    const timeoutMs = durationMs(
      "timeoutMs",
      options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    );
    const time = { deadlineMs: Math.ceil(Date.now() + timeoutMs), timeoutMs };
    const bytes = toBytes(body);
    for (let attempt = 1;; attempt++) {
      options.onAttempt?.(attempt);
      try {
        return await this.#attempt(queue, bytes, options, time);
      } catch (error) {
        const again = backoffMs(attempt);
        const inTime = Date.now() + again < time.deadlineMs;
        if (!(options.wait && inTime && isAbsence(error))) throw error;
        await pause(again, options.signal);
      }
    }
  }

  /**
   * What the broker tells of a queue; undefined where there is none.
   *
   * @throws {RpcError} where the broker can't be asked.
   */
  async inspect(queue: string): Promise<QueueInfo | undefined> {
    const { link } = await this.#openSession();
    let inspection = this.#inspections.get(queue);
    if (inspection === undefined) {
      inspection = link.inspect(queue).finally(() =>
        this.#inspections.delete(queue)
      );
      this.#inspections.set(queue, inspection);
    }
    return await inspection;
  }

  /**
   * Fails what still waits with `canceled` and deletes the callback queue; the
   * transport stays open.
   */
  async close(): Promise<void> {
    this.#closed = true;
    const session = this.#session;
    this.#session = undefined;
    this.#pending.failAll((call) =>
      new RpcError("canceled", "the client was closed", {
        reason: "closed",
        maybeExecuted: call.sent,
      })
    );
    await session?.callbackQueue.close();
  }

  /** The same as {@linkcode RpcClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One request and its outcome; registered before it is written. */
  #attempt(
    queue: string,
    body: Uint8Array,
    options: CallOptions,
    time: { deadlineMs: number; timeoutMs: number },
  ): Promise<RpcReply> {
    return new Promise((resolve, reject) => {
      const call: PendingCall = {
        correlationId: crypto.randomUUID(),
        queue,
        ...time,
        sent: false,
        resolve,
        reject,
      };
      if (options.signal && !this.#watch(options.signal, call)) return;
      if (this.#closed) return reject(closedError());
      this.#pending.add(call);
      const session = this.#session;
      if (session !== undefined && !options.requireConsumer) {
        this.#send(session, call, body, options);
        return;
      }
      this.#prepare(queue, options).then(
        (session) => this.#send(session, call, body, options),
        (error) => this.#fail(call, RpcError.from(error)),
      );
    });
  }

  /** Lets an abort cancel the call; false where it has happened already. */
  #watch(signal: AbortSignal, call: PendingCall): boolean {
    const cancel = () => this.#fail(call, canceledError(signal, call.sent));
    if (signal.aborted) {
      call.reject(canceledError(signal, false));
      return false;
    }
    signal.addEventListener("abort", cancel, { once: true });
    const { resolve, reject } = call;
    call.resolve = (reply) => {
      signal.removeEventListener("abort", cancel);
      resolve(reply);
    };
    call.reject = (error) => {
      signal.removeEventListener("abort", cancel);
      reject(error);
    };
    return true;
  }

  async #prepare(queue: string, options: CallOptions): Promise<Session> {
    const session = await this.#openSession();
    if (options.requireConsumer) {
      const info = await this.inspect(queue);
      const absence = absenceOf(queue, info, session.link.vhost);
      if (absence !== undefined) throw absence;
    }
    return session;
  }

  #send(
    session: Session,
    call: PendingCall,
    body: Uint8Array,
    options: CallOptions,
  ): void {
    if (!this.#pending.has(call.correlationId)) return;
    const properties = requestProperties({
      correlationId: call.correlationId,
      replyTo: session.callbackQueue.name,
      deadlineMs: call.deadlineMs,
      type: options.type,
      contentType: options.contentType,
      headers: options.headers,
      persistent: options.persistent,
    }, Date.now());
    call.sent = true;
    session.callbackQueue.publish(call.queue, body, properties)
      .catch((error) => this.#fail(call, RpcError.from(error)));
  }

  #fail(call: PendingCall, error: RpcError): void {
    this.#pending.settle(call.correlationId, error);
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
    this.#session = { link, callbackQueue };
    this.#read(this.#session).catch((error) => this.#onLost(error));
    return this.#session;
  }

  async #read({ callbackQueue }: Session): Promise<void> {
    for await (const delivery of callbackQueue) {
      const { correlationId } = delivery.properties;
      if (!this.#pending.settle(correlationId, decodeReply(delivery))) {
        this.#unknownReplies++;
      }
    }
    throw connectionLost("the callback queue was closed");
  }

  /** Runs before any call can use the next session: all sent ones are hit. */
  #onLost(cause: unknown): void {
    this.#session = undefined;
    this.#pending.failAll((call) => connectionLost(cause, call.sent));
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
    const session = this.#session;
    let absence: RpcError | undefined;
    if (session !== undefined && call.sent) {
      try {
        const info = await Promise.race([
          this.inspect(call.queue),
          delay(DIAGNOSIS_MS, "unknown" as const, { ref: false }),
        ]);
        if (info !== "unknown") {
          absence = absenceOf(call.queue, info, session.link.vhost);
        }
      } catch {
        // The broker can't be asked: that the time is up still holds.
      }
    }
    call.reject(absence ?? timeoutError(call));
  }
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    throw canceledError(signal!, false);
  }
}
