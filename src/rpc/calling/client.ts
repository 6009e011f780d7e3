/**
 * Calling: requests go out, and replies settle the pending calls by correlation
 * id.
 *
 * @module
 */
import { RpcError } from "../errors.ts";
import { queueName } from "../limits.ts";
import type { RpcReply } from "../messages.ts";
import type { RpcArgument } from "../procedure.ts";
import type { QueueInfo, Transport } from "../transport.ts";
import { type Call, newCall } from "./call.ts";
import type { CallOptions } from "./call_options.ts";
import { Cancellations } from "./cancellations.ts";
import type { ClientOptions, ClientStats } from "./client_options.ts";
import { DelayedCalls, isReady } from "./delayed_calls.ts";
import { clientClosed, rttTimeout } from "./failures.ts";
import {
  answerInTime,
  Inspections,
  type InspectOptions,
} from "./inspections.ts";
import { interceptedAttempts, interceptedCalls } from "./interceptors.ts";
import { PendingCall, PendingCalls } from "./pending.ts";
import { RepeatedCalls } from "./repeated_calls.ts";
import { Requesters } from "./requesters.ts";
import { whyNoReply } from "./why_no_reply.ts";

const NO_OPTIONS: CallOptions = Object.freeze({});

/**
 * Calls procedures over a transport. One client serves any number of calls at
 * once, to any queues.
 *
 * @example Over a transport of its own; `connect()` is the shorter way
 * ```ts
 * import type { RpcError } from "@rabbit-rpc/rabbit-rpc";
 * import {
 *   AmqpTransport,
 *   connectSettings,
 *   RpcClient,
 * } from "@rabbit-rpc/rabbit-rpc/transport";
 * import assert from "node:assert/strict";
 *
 * const url = Deno.env.get("AMQP_URL") ?? "amqp://localhost";
 * await using transport = new AmqpTransport(connectSettings(url));
 * await using client = new RpcClient(transport);
 * await assert.rejects(
 *   client.call("no_such_queue", "30"),
 *   (error: RpcError) => error.reason === "no_queue",
 * );
 * assert.equal(client.stats.inFlight, 0);
 * ```
 */
export class RpcClient implements AsyncDisposable {
  readonly #transport: Transport;
  /** Makes one attempt of a call, within the interceptors for that. */
  readonly #attempt: (call: Call) => Promise<RpcReply>;
  readonly #pending = new PendingCalls({
    onDeadline: (call) => void this.#onDeadline(call),
    onRefused: ({ queue }) => this.#requesters.current?.doubt(queue),
    onUnsent: (call) => this.#delayed.take(call),
  });
  readonly #inspections = new Inspections();
  readonly #requesters: Requesters;
  readonly #delayed: DelayedCalls;
  readonly #cancellations: Cancellations;
  readonly #repeated: RepeatedCalls;
  #draining = false;
  #closing: Promise<void> | undefined;
  #unknownReplies = 0;

  /** A client of this transport; connects with the first call. */
  constructor(transport: Transport, options: ClientOptions = {}) {
    const { interceptors = [], attemptInterceptors = [] } = options;
    this.#transport = transport;
    this.#requesters = new Requesters(transport, this.#pending, () => {
      this.#unknownReplies++;
      options.onUnknownReply?.();
    });
    this.#delayed = new DelayedCalls(
      this.#pending,
      this.#requesters,
      this.#inspections,
      options.maxUnsentBytes,
    );
    this.#cancellations = new Cancellations(this.#pending, this.#requesters);
    if (interceptors.length > 0) {
      this.call = interceptedCalls(this.call.bind(this), interceptors);
    }
    const attempt = this.#request.bind(this);
    this.#attempt = attemptInterceptors.length > 0
      ? interceptedAttempts(attempt, attemptInterceptors)
      : attempt;
    this.#repeated = new RepeatedCalls(
      this.#pending,
      this.#requesters,
      this.#cancellations,
      this.#attempt,
    );
  }

  /** Counters, as they are now. */
  get stats(): ClientStats {
    return {
      inFlight: this.#pending.size,
      unknownReplies: this.#unknownReplies,
    };
  }

  /** Connects and opens the callback queue now, ahead of the first call. */
  async open(): Promise<void> {
    await this.#requesters.open();
  }

  /**
   * Sends a request and resolves with its reply. The argument is text or bytes,
   * sent as they are, or a value that is sent as JSON: {@linkcode RpcArgument}.
   *
   * @throws {RpcError} what the procedure answered (`remote` is true), or
   * `unavailable` if there is no queue, no server or no broker, or
   * `deadline_exceeded`, or `canceled`.
   * @throws {RangeError} if an option is out of its range.
   * @throws {TypeError} if an option has the wrong type, or JSON can't hold the
   * argument.
   */
  call(
    queue: string,
    argument?: RpcArgument,
    options: CallOptions = NO_OPTIONS,
  ): Promise<RpcReply> {
    try {
      if (this.#draining) throw clientClosed();
      const call = newCall(queue, argument, options);
      if (call.attempts) return this.#repeated.make(call, call.attempts);
      options.onAttempt?.(1);
      return this.#attempt(call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * How many messages and consumers a queue has; undefined if there is no such
   * queue. It opens no callback queue. The answer may take `timeoutMs`, 30 s by
   * default: a broker that blocks a connection does not even read from it.
   *
   * @throws {RpcError} if the broker can't be asked, does not answer, or does
   * not say: `refused` without a permission on the queue (RabbitMQ 4.2.6 and
   * later), `locked` if it is exclusive to another connection.
   *
   * @example Look whether a queue has a server
   * ```ts
   * import { RpcConnection } from "@rabbit-rpc/rabbit-rpc";
   * import { MemoryTransport } from "@rabbit-rpc/rabbit-rpc/transport";
   * import assert from "node:assert/strict";
   *
   * await using rpc = new RpcConnection(new MemoryTransport());
   * await using server = await rpc.serve("maths", () => 42);
   * assert.equal((await rpc.inspect("maths"))?.consumers, 1);
   * assert.equal(await rpc.inspect("no_such_queue"), undefined);
   * ```
   */
  async inspect(
    queue: string,
    options: InspectOptions = {},
  ): Promise<QueueInfo | undefined> {
    queueName(queue);
    if (this.#requesters.closed) throw clientClosed();
    const connect = () => this.#transport.connection();
    return await this.#inspections.inspect(queue, options, connect);
  }

  /**
   * How long the broker takes to answer, in ms: the median of a few round trips
   * over the connection, which is made if there is none. It may take
   * `timeoutMs`, 30 s by default.
   *
   * @throws {RpcError} if the broker can't be reached, or does not answer.
   * @throws {RangeError} if the time is out of its range.
   *
   * @example Measure a round trip
   * ```ts
   * import { connect } from "@rabbit-rpc/rabbit-rpc";
   * import assert from "node:assert/strict";
   *
   * await using rpc = await connect(Deno.env.get("AMQP_URL"));
   * assert.ok(await rpc.rttMs({ timeoutMs: 2_000 }) < 2_000);
   * ```
   */
  async rttMs(options: InspectOptions = {}): Promise<number> {
    if (this.#requesters.closed) throw clientClosed();
    return await answerInTime(
      options,
      () => this.#transport.connection(),
      (connection) => connection.rttMs(),
      rttTimeout,
    );
  }

  /**
   * Lets calls in flight finish, retries included, and takes no new ones (they
   * fail with the reason `closed`), then closes the client. It ends, at the
   * latest, with the deadline of the last call.
   */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#repeated.idle();
    await this.#pending.idle();
    await this.close();
  }

  /**
   * Fails pending calls with `canceled` and deletes the callback queue; the
   * transport stays open. If it is closed next, `keepQueue` saves the round
   * trips: the queue is deleted with its connection. May be called again: all
   * calls resolve together.
   */
  close(options: { keepQueue?: boolean } = {}): Promise<void> {
    return this.#closing ??= this.#requesters.close(options);
  }

  /** The same as {@linkcode RpcClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One request and its outcome; registered before it is written. */
  #request(call: Call): Promise<RpcReply> {
    return new Promise((resolve, reject) => {
      if (this.#requesters.closed) return reject(clientClosed());
      const pending = new PendingCall(this.#pending, call, resolve, reject);
      const { requireConsumer, signal } = call.options;
      if (signal && !this.#cancellations.watch(signal, pending)) return;
      call.attempts?.push(pending);
      this.#pending.add(pending);
      const requester = this.#requesters.current;
      try {
        if (requester && !requireConsumer && isReady(requester, call)) {
          requester.send(pending, call);
        } else this.#delayed.add(pending, call);
      } catch (error) {
        const { correlationId } = pending;
        this.#pending.settle(correlationId, RpcError.from(error));
      }
    });
  }

  /** Rejects a call whose time is up, and says why if that is known. */
  async #onDeadline(call: PendingCall): Promise<void> {
    const requester = this.#requesters.current;
    if (call.sent) requester?.doubt(call.queue);
    const connection = requester?.connection;
    call.end(await whyNoReply(call, connection, this.#inspections));
  }
}
