/**
 * The life of a server: connect, consume, and reconnect, until it drains. What
 * happens to a request on its way is in admission.ts, dispatcher.ts and
 * replier.ts, each of which hands it to the next.
 *
 * @module
 */
import { backoffMs } from "../../async/backoff.ts";
import { Broadcast } from "../../async/broadcast.ts";
import { delay, settled } from "../../async/delay.ts";
import { remedyOf, RpcError } from "../errors.ts";
import { queueName, wrongType } from "../limits.ts";
import type { Procedure } from "../procedure.ts";
import type {
  BrokerConnection,
  RequestQueue,
  RequestQueueOptions,
  Transport,
} from "../transport.ts";
import { consumption } from "./consumption.ts";
import { Draining } from "./draining.ts";
import {
  checkGrace,
  type ServeOptions,
  type ServeSettings,
  serveSettings,
} from "./serve_options.ts";
import type { ServeHooks, ServerEvent } from "./server_events.ts";
import { Stages } from "./stages.ts";

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
   * @throws {RpcError} where the broker refused login or permission, or to
   * declare the queue.
   */
  readonly finished: Promise<void>;

  readonly #transport: Transport;
  readonly #settings: ServeSettings;
  readonly #events = new Broadcast<ServerEvent>();
  readonly #consumption: RequestQueueOptions;
  readonly #stages: Stages;
  readonly #draining: Draining;
  #requests: RequestQueue | undefined;
  #started = 0;

  /**
   * Starts to serve at once; await `ready` to know when requests come.
   *
   * @throws {RangeError} where an option is out of its range.
   * @throws {TypeError} where something is of another type than it should be.
   */
  constructor(
    transport: Transport,
    queue: string,
    procedure: Procedure,
    options: ServeOptions & ServeHooks = {},
  ) {
    this.#transport = transport;
    this.queue = queueName(queue);
    if (typeof procedure !== "function") {
      throw wrongType("procedure", "a function", procedure);
    }
    const { onEvent, ...settings } = serveSettings(options);
    this.#settings = {
      ...settings,
      onEvent: (event) => {
        onEvent(event);
        this.#events.emit(event);
      },
    };
    this.#stages = new Stages(this.queue, procedure, this.#settings, {
      onStart: () => this.#countStart(),
      onSettled: () => this.#draining.checkIdle(),
    });
    this.#draining = new Draining(
      this.#stages,
      () => this.#settings.onEvent({ type: "draining" }),
    );
    this.#consumption = consumption(
      this.#settings,
      (correlationId) => this.#stages.dispatcher.cancel(correlationId),
    );
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    // Whatever the loop waits for: it is over when all is drained.
    this.finished = Promise.race([
      this.#serve(ready.resolve),
      this.#draining.done,
    ]);
    this.finished.then(
      () => ready.reject(new RpcError("canceled", "the server was stopped")),
      ready.reject,
    );
    // Both are there to be awaited; whoever awaits one need not await both.
    void settled(Promise.all([this.ready, this.finished]));
    void settled(this.finished).then(() => this.#events.end());
  }

  /**
   * What the server does from now on, told as it happens; ends when the server
   * has stopped. Events wait for their reader, however many they are: one who
   * stops reading leaves the loop.
   *
   * @example Count the requests that fail
   * ```ts
   * import { connect } from "@rabbit-rpc/rabbit-rpc";
   * import assert from "node:assert/strict";
   *
   * await using rpc = await connect(Deno.env.get("AMQP_URL"));
   * const server = await rpc.serve("failing", () => {
   *   throw new Error("not today");
   * });
   * let failed = 0;
   * const counting = (async () => {
   *   for await (const event of server.events()) {
   *     if (event.type === "answered" && event.error) failed++;
   *   }
   * })();
   * await assert.rejects(rpc.call("failing"), { code: "internal" });
   * await server.stop();
   * await counting;
   * assert.equal(failed, 1);
   * ```
   */
  events(): AsyncIterableIterator<ServerEvent> {
    return this.#events.listen();
  }

  /** Requests that have been delivered and not yet acknowledged. */
  get inFlight(): number {
    return this.#stages.inFlight;
  }

  /**
   * Stops: no new deliveries, those not started go back to the queue, those
   * running are finished, answered and acknowledged. After the grace period,
   * or at once with a grace of 0, what still runs is given back instead. May
   * be called again: the shortest grace counts, and all calls resolve together.
   * A procedure must not wait for it, since it waits for procedures.
   */
  async stop(options: { graceMs?: number } = {}): Promise<void> {
    const graceMs = checkGrace(options.graceMs ?? this.#settings.graceMs);
    this.#draining.begin(graceMs, this.#requests);
    await Promise.allSettled([this.finished, this.#draining.done]);
  }

  /** Stops with the grace period of the options. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Consumes, on one connection after the other, until stopped. */
  async #serve(onReady: () => void): Promise<void> {
    const signal = this.#draining.begun;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const connection = await this.#transport.connection({
          patient: true,
          signal,
        });
        const requests = await this.#consume(connection);
        attempt = 0;
        onReady();
        await this.#read(requests, connection);
      } catch (thrown) {
        if (signal.aborted) break;
        await this.#interrupted(RpcError.from(thrown), backoffMs(attempt + 1));
      }
    }
    await this.#draining.done;
  }

  async #read(
    requests: RequestQueue,
    connection: BrokerConnection,
  ): Promise<void> {
    const alive = await this.#stages.replier.resume(requests);
    if (alive) {
      this.#settings.onEvent({ type: "consuming", queue: this.queue });
    }
    for await (const delivery of requests) {
      // What a lost connection had delivered comes again over the next.
      if (!alive) continue;
      if (!this.#draining.begun.aborted) {
        this.#stages.admission.receive(requests, delivery, connection);
      } else requests.nack(delivery.deliveryTag, true);
    }
  }

  async #interrupted(error: RpcError, retryInMs: number): Promise<void> {
    this.#stages.connectionLost();
    // The connection may live on: what is left of the queue must not go on
    // taking requests that nobody reads.
    await this.#requests?.close();
    if (remedyOf(error) === "none") {
      this.#stages.dispatcher.abandon();
      throw error;
    }
    this.#settings.onEvent({ type: "interrupted", error, retryInMs });
    await settled(delay(retryInMs, this.#draining.begun));
  }

  async #consume(connection: BrokerConnection): Promise<RequestQueue> {
    const signal = this.#draining.begun;
    const requests = await connection.openRequestQueue(
      this.queue,
      this.#consumption,
    );
    // Stopped meanwhile: it was drained without this queue.
    if (signal.aborted) await requests.close();
    signal.throwIfAborted();
    return this.#requests = requests;
  }

  #countStart(): void {
    if (++this.#started < this.#settings.count) return;
    this.#draining.begin(this.#settings.graceMs, this.#requests);
  }
}
