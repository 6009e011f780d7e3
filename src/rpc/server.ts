/**
 * Serving: receive, run, reply, confirm, acknowledge; and stop without losing
 * anything.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "./backoff.ts";
import { Deadlines } from "./deadlines.ts";
import { RpcError } from "./errors.ts";
import { Execution, type Outcome } from "./execution.ts";
import { queueName } from "./limits.ts";
import type { Procedure, RpcRequest } from "./procedure.ts";
import { type ServeOptions, serveSettings } from "./serve_options.ts";
import type { Delivery, RequestQueue, Transport } from "./transport.ts";
import {
  decodeRequest,
  encodeError,
  encodeReply,
  type OutgoingMessage,
} from "./wire.ts";

/** A delivery with the queue that it has to be acknowledged on. */
interface Job {
  readonly requests: RequestQueue;
  readonly deliveryTag: number;
  readonly request: RpcRequest;
}

/**
 * Serves one queue with one procedure until it is stopped, through lost
 * connections.
 *
 * @example Serve one request, then stop
 * ```ts
 * import { connect } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 *
 * await using rpc = await connect(Deno.env.get("AMQP_URL"));
 * const server = await rpc.serve(
 *   "shouts",
 *   (request) => request.text().toUpperCase(),
 *   { count: 1 },
 * );
 * assert.equal((await rpc.call("shouts", "hello")).text(), "HELLO");
 * await server.finished;
 * ```
 */
export class RpcServer implements AsyncDisposable {
  /** The queue that is served. */
  readonly queue: string;
  /** Resolves when requests are consumed for the first time. */
  readonly ready: Promise<void>;
  /**
   * Resolves when the server has stopped.
   *
   * @throws {RpcError} where the broker refused login or permission.
   */
  readonly finished: Promise<void>;

  readonly #transport: Transport;
  readonly #procedure: Procedure;
  readonly #settings: Required<ServeOptions>;
  readonly #deadlines = new Deadlines<Execution>((run) => run.expire());
  readonly #stopping = new AbortController();
  #requests: RequestQueue | undefined;
  #waiting: Job[] = [];
  readonly #running = new Set<Execution>();
  #unacknowledged = 0;
  #started = 0;
  #abandoning = false;
  #draining: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;

  /**
   * Starts to serve at once; await `ready` to know when requests come.
   *
   * @throws {RangeError} where an option is out of its range.
   */
  constructor(
    transport: Transport,
    queue: string,
    procedure: Procedure,
    options: ServeOptions = {},
  ) {
    this.#transport = transport;
    this.queue = queueName(queue);
    this.#procedure = procedure;
    this.#settings = serveSettings(options);
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.finished = this.#serve(ready.resolve);
    this.finished.then(
      () => ready.reject(new RpcError("canceled", "the server was stopped")),
      ready.reject,
    );
    // Both are there to be awaited; whoever awaits one need not await both.
    this.ready.catch(ignore);
    this.finished.catch(ignore);
  }

  /** Requests that have been delivered and not yet acknowledged. */
  get inHand(): number {
    return this.#waiting.length + this.#unacknowledged;
  }

  /**
   * Stops: no new deliveries, those not started go back to the queue, those
   * running are finished, answered and acknowledged. After the grace period,
   * or at once with a grace of 0, what still runs is given back instead.
   */
  async stop(options: { graceMs?: number } = {}): Promise<void> {
    if (options.graceMs === 0) this.#whenIdle?.();
    this.#draining ??= this.#drain(options.graceMs ?? this.#settings.graceMs);
    await this.finished.catch(ignore);
  }

  /** Stops with the grace period of the options. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Consumes, on one connection after the other, until stopped. */
  async #serve(onReady: () => void): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const requests = await this.#consume();
        attempt = 0;
        onReady();
        await this.#read(requests);
      } catch (thrown) {
        if (signal.aborted) break;
        await this.#interrupted(RpcError.from(thrown), backoffMs(attempt + 1));
      }
    }
    await this.#draining;
    this.#deadlines.clear();
  }

  async #read(requests: RequestQueue): Promise<void> {
    this.#settings.onEvent({ type: "consuming", queue: this.queue });
    for await (const delivery of requests) this.#receive(requests, delivery);
  }

  async #interrupted(error: RpcError, retryInMs: number): Promise<void> {
    // What still waits came over a channel that is gone: the broker has it.
    this.#waiting = [];
    if (error.reason === "refused" || error.reason === "closed") throw error;
    this.#settings.onEvent({ type: "interrupted", error, retryInMs });
    const { signal } = this.#stopping;
    await delay(retryInMs, undefined, { signal }).catch(ignore);
  }

  async #consume(): Promise<RequestQueue> {
    const { signal } = this.#stopping;
    const link = await this.#transport.link({ patient: true, signal });
    this.#requests = await link.openRequestQueue(this.queue, {
      prefetch: this.#settings.prefetch,
      onReturn: (message) =>
        this.#settings.onEvent({
          type: "reply_dropped",
          correlationId: message.properties.correlationId,
          why: "the caller is gone",
        }),
    });
    return this.#requests;
  }

  #receive(requests: RequestQueue, delivery: Delivery): void {
    const request = decodeRequest(delivery, this.queue, Date.now());
    const { deliveryTag } = delivery;
    if (request.replyTo === this.queue) {
      // The reply would come back as a request, for ever.
      requests.nack(deliveryTag, false);
      const why = "its reply_to is the request queue itself";
      this.#settings.onEvent({ type: "request_dropped", request, why });
      return;
    }
    this.#waiting.push({ requests, deliveryTag, request });
    this.#startWaiting();
  }

  #startWaiting(): void {
    while (
      this.#waiting.length > 0 &&
      this.#running.size < this.#settings.concurrency
    ) {
      if (this.#stopping.signal.aborted) return this.#giveBackWaiting();
      this.#start(this.#waiting.shift()!);
    }
  }

  #start(job: Job): void {
    const { request } = job;
    this.#unacknowledged++;
    const run = new Execution(
      request,
      this.#settings.handlerTimeoutMs,
      (outcome) => {
        this.#running.delete(run);
        this.#deadlines.delete(run);
        this.#conclude(job, outcome);
        this.#startWaiting();
      },
    );
    if (run.deadlineMs <= Date.now()) {
      const error = new RpcError(
        "deadline_exceeded",
        "the caller's deadline passed before the procedure started",
      );
      this.#conclude(job, { error });
      return;
    }
    this.#started++;
    this.#running.add(run);
    this.#settings.onEvent({ type: "request", request });
    run.start(this.#procedure);
    if (!run.ended) this.#deadlines.add(run);
    if (this.#started === this.#settings.count) {
      this.#draining ??= this.#drain();
    }
  }

  /** Replies, waits for the confirm, and only then acknowledges. */
  #conclude(job: Job, outcome: Outcome): void {
    if (this.#abandoning) return;
    const { request } = job;
    const { reply, error } = encodeOutcome(request, outcome);
    this.#settings.onEvent({ type: "answered", request, error });
    this.#reply(job, reply)
      .then((settled) => {
        if (settled) job.requests.ack(job.deliveryTag);
      })
      .finally(() => {
        this.#unacknowledged--;
        if (this.#unacknowledged === 0) this.#whenIdle?.();
      });
  }

  /**
   * Whether the request is done with. It is not where the connection was lost
   * before the confirm: then the broker delivers it again.
   */
  async #reply(job: Job, reply: OutgoingMessage): Promise<boolean> {
    const { replyTo } = job.request;
    // A one-way request: it was run, and nobody wants the result.
    if (replyTo === undefined) return true;
    try {
      await job.requests.publish(replyTo, reply.body, reply.properties);
      return true;
    } catch (thrown) {
      const error = RpcError.from(thrown);
      if (error.reason === "connection_lost") return false;
      return await this.#replyUnsendable(job, error);
    }
  }

  /** The reply could not even be written: the caller hears that instead. */
  async #replyUnsendable(job: Job, cause: RpcError): Promise<boolean> {
    const { replyTo, correlationId } = job.request;
    const error = new RpcError(
      "internal",
      `the reply could not be sent: ${cause.message}`,
    );
    const reply = encodeError(job.request, error);
    try {
      await job.requests.publish(replyTo!, reply.body, reply.properties);
      return true;
    } catch (thrown) {
      const { reason, message } = RpcError.from(thrown);
      if (reason === "connection_lost") return false;
      this.#settings.onEvent({
        type: "reply_dropped",
        correlationId,
        why: message,
      });
      return true;
    }
  }

  #giveBackWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { requests, deliveryTag } of waiting) {
      requests.nack(deliveryTag, true);
    }
  }

  /** Cancel, give back, finish, confirm, acknowledge, close: in this order. */
  async #drain(graceMs = this.#settings.graceMs): Promise<void> {
    this.#stopping.abort(new RpcError("canceled", "the server was stopped"));
    await this.#requests?.cancel();
    this.#giveBackWaiting();
    await this.#idle(graceMs);
    this.#abandonRunning();
    await this.#requests?.close();
  }

  /** Resolves when nothing is in hand, or the grace period has passed. */
  async #idle(graceMs: number): Promise<void> {
    if (this.#unacknowledged === 0 || graceMs === 0) return;
    const idle = Promise.withResolvers<void>();
    this.#whenIdle = idle.resolve;
    const timer = setTimeout(idle.resolve, graceMs);
    await idle.promise;
    clearTimeout(timer);
  }

  /** Neither answered nor acknowledged: the broker gives it to another. */
  #abandonRunning(): void {
    this.#abandoning = true;
    const reason = new RpcError("aborted", "the server was stopped");
    for (const run of [...this.#running]) run.abort(reason);
  }
}

function encodeOutcome(
  request: RpcRequest,
  outcome: Outcome,
): { reply: OutgoingMessage; error?: RpcError } {
  try {
    if ("result" in outcome) {
      return { reply: encodeReply(request, outcome.result) };
    }
  } catch (thrown) {
    outcome = { error: RpcError.from(thrown) };
  }
  const { error } = outcome;
  return { reply: encodeError(request, error), error };
}

/** For promises that somebody else may await. */
function ignore(): void {}
