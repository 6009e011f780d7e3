/**
 * Calling: requests go out, and replies settle the pending calls by correlation
 * id.
 *
 * @module
 */
import { queueName } from "../limits.ts";
import type { RpcReply } from "../messages.ts";
import type { RpcArgument } from "../procedure.ts";
import type { QueueInfo, Transport } from "../transport.ts";
import { outgoingCall } from "./argument.ts";
import { Attempts } from "./attempts.ts";
import { type Call, newCall } from "./call.ts";
import type { CallOptions } from "./call_options.ts";
import type { ClientOptions, ClientStats } from "./client_options.ts";
import { clientClosed, rttTimeout } from "./failures.ts";
import { answerInTime, type InspectOptions } from "./inspections.ts";
import { interceptedAttempts, interceptedCalls } from "./interceptors.ts";
import { ProgressListeners } from "./progress_listeners.ts";
import { RepeatedCalls } from "./repeated_calls.ts";
import { StreamCalls } from "./streams/stream_calls.ts";
import type { StreamOptions } from "./streams/stream_options.ts";
import { UnknownMessages } from "./unknown_messages.ts";

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
  readonly #progress = new ProgressListeners();
  readonly #unknown: UnknownMessages;
  readonly #attempts: Attempts;
  /** Makes one attempt of a call, within the interceptors for that. */
  readonly #attempt: (call: Call) => Promise<RpcReply>;
  readonly #repeated: RepeatedCalls;
  readonly #streams: StreamCalls;
  #draining = false;
  #closing: Promise<void> | undefined;

  /** A client of this transport; connects with the first call. */
  constructor(transport: Transport, options: ClientOptions = {}) {
    const { interceptors = [], attemptInterceptors = [] } = options;
    this.#transport = transport;
    this.#unknown = new UnknownMessages(this.#progress, options.onUnknownReply);
    this.#attempts = new Attempts(
      transport,
      this.#unknown,
      options.maxUnsentBytes,
    );
    if (interceptors.length > 0) {
      this.call = interceptedCalls(this.call.bind(this), interceptors);
    }
    const attempt = this.#attempts.make.bind(this.#attempts);
    this.#attempt = attemptInterceptors.length > 0
      ? interceptedAttempts(attempt, attemptInterceptors)
      : attempt;
    this.#repeated = new RepeatedCalls(this.#attempts, this.#attempt);
    this.#streams = new StreamCalls(
      this.#attempts,
      this.#progress,
      options.streamInterceptors,
    );
  }

  /** Counters, as they are now. */
  get stats(): ClientStats {
    return {
      inFlight: this.#attempts.pending.size,
      unknownReplies: this.#unknown.replies,
    };
  }

  /** Connects and opens the callback queue now, ahead of the first call. */
  async open(): Promise<void> {
    await this.#attempts.requesters.open();
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
      const { onProgress } = options;
      if (onProgress === undefined) return this.#make(call);
      const make = (progressId: string) => this.#make({ ...call, progressId });
      return this.#progress.during(onProgress, make);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Asks for a stream: {@linkcode StreamOptions}. The request is sent when the
   * stream is first read, and leaving the loop cancels the procedure. What ends
   * it early is thrown after the items before it, which `items` in the details
   * of the error counts.
   *
   * @throws {RpcError} as `call()` does, and `aborted` if the server was lost
   * after items had come.
   * @throws {RangeError} if an option is out of its range.
   * @throws {TypeError} as `call()` does.
   */
  stream(
    queue: string,
    argument?: RpcArgument,
    options: StreamOptions = NO_OPTIONS,
  ): AsyncIterable<RpcReply> {
    return this.#streams.open(outgoingCall(queue, argument, options));
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
    if (this.#attempts.requesters.closed) throw clientClosed();
    const connect = () => this.#transport.connection();
    return await this.#attempts.inspections.inspect(queue, options, connect);
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
    if (this.#attempts.requesters.closed) throw clientClosed();
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
    this.#streams.drain();
    await this.#repeated.idle();
    await this.#attempts.pending.idle();
    await this.close();
  }

  /**
   * Fails pending calls with `canceled` and deletes the callback queue; the
   * transport stays open. If it is closed next, `keepQueue` saves the round
   * trips: the queue is deleted with its connection. May be called again: all
   * calls resolve together.
   */
  close(options: { keepQueue?: boolean } = {}): Promise<void> {
    return this.#closing ??= this.#attempts.requesters.close(options);
  }

  /** The same as {@linkcode RpcClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #make(call: Call): Promise<RpcReply> {
    if (call.attempts) return this.#repeated.make(call, call.attempts);
    call.options.onAttempt?.(1);
    return this.#attempt(call);
  }
}
