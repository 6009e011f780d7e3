/**
 * The life of a server: connect, consume, reconnect, and drain without losing
 * anything. What happens to a request on its way is in admission.ts,
 * dispatcher.ts and replier.ts, each of which hands it to the next.
 *
 * @module
 */
import { backoffMs } from "../../async/backoff.ts";
import { Broadcast } from "../../async/broadcast.ts";
import { delay, settled } from "../../async/delay.ts";
import { remedyOf, RpcError } from "../errors.ts";
import { intercepted } from "../interceptor.ts";
import { queueName, wrongType } from "../limits.ts";
import type { Procedure } from "../procedure.ts";
import type {
  BrokerConnection,
  RequestQueue,
  RequestQueueOptions,
  Transport,
} from "../transport.ts";
import { Admission } from "./admission.ts";
import { consumption } from "./consumption.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Grace } from "./grace.ts";
import type { Job } from "./job.ts";
import { Replays } from "./replays.ts";
import { Replier } from "./replier.ts";
import {
  checkGrace,
  type ServeOptions,
  type ServerEvent,
  serveSettings,
} from "./serve_options.ts";
import type { StreamStats } from "./streams/open_streams.ts";

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
  readonly #settings: Required<ServeOptions>;
  readonly #events = new Broadcast<ServerEvent>();
  readonly #consumption: RequestQueueOptions;
  readonly #admission: Admission;
  readonly #dispatcher: Dispatcher;
  readonly #replier: Replier;
  readonly #stopping = new AbortController();
  #requests: RequestQueue | undefined;
  readonly #idle = Promise.withResolvers<void>();
  readonly #grace = new Grace();
  readonly #drained = Promise.withResolvers<void>();
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
    options: ServeOptions = {},
  ) {
    this.#transport = transport;
    this.queue = queueName(queue);
    if (typeof procedure !== "function") {
      throw wrongType("procedure", "a function", procedure);
    }
    const settings = serveSettings(options);
    this.#settings = {
      ...settings,
      onEvent: (event) => {
        settings.onEvent(event);
        this.#events.emit(event);
      },
    };
    const replays = new Replays();
    this.#replier = new Replier({
      ...this.#settings,
      replays,
      onSettled: () => this.#checkIdle(),
    });
    this.#dispatcher = new Dispatcher(
      intercepted(procedure, settings.interceptors),
      this.#replier,
      { ...this.#settings, replays, onStart: () => this.#countStart() },
    );
    this.#admission = new Admission(
      this.queue,
      this.#settings,
      this.#dispatcher,
      this.#replier,
    );
    this.#consumption = consumption(this.#settings, this.#dispatcher);
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    // Whatever the loop waits for: it is over when all is drained.
    this.finished = Promise.race([
      this.#serve(ready.resolve),
      this.#drained.promise,
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
   * const server = await rpc.serve("failing", () => Promise.reject("not today"));
   * let failed = 0;
   * const counting = (async () => {
   *   for await (const event of server.events()) {
   *     if (event.type === "answered" && event.error) failed++;
   *   }
   * })();
   * await assert.rejects(rpc.call("failing"), { code: "internal" });
   * await Promise.all([server.stop(), counting]);
   * assert.equal(failed, 1);
   * ```
   */
  events(): AsyncIterableIterator<ServerEvent> {
    return this.#events.listen();
  }

  /** Requests that have been delivered and not yet acknowledged. */
  get inFlight(): number {
    return this.#admission.size + this.#dispatcher.size +
      this.#replier.underWay;
  }

  /** Counts of streams, as they are now. */
  get streams(): StreamStats {
    return this.#dispatcher.streams.stats;
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
    this.#startDraining(graceMs);
    await Promise.allSettled([this.finished, this.#drained.promise]);
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
    await this.#drained.promise;
  }

  async #read(
    requests: RequestQueue,
    connection: BrokerConnection,
  ): Promise<void> {
    const alive = await this.#replier.resume(requests);
    if (alive) {
      this.#settings.onEvent({ type: "consuming", queue: this.queue });
    }
    for await (const delivery of requests) {
      // What a lost connection had delivered comes again over the next.
      if (!alive) continue;
      if (!this.#stopping.signal.aborted) {
        this.#admission.receive(requests, delivery, connection);
      } else requests.nack(delivery.deliveryTag, true);
    }
  }

  async #interrupted(error: RpcError, retryInMs: number): Promise<void> {
    this.#admission.connectionLost();
    this.#dispatcher.connectionLost();
    this.#replier.pause();
    // The connection may live on: what is left of the queue must not go on
    // taking requests that nobody reads.
    await this.#requests?.close();
    if (remedyOf(error) === "none") {
      this.#dispatcher.abandon();
      throw error;
    }
    this.#settings.onEvent({ type: "interrupted", error, retryInMs });
    await settled(delay(retryInMs, this.#stopping.signal));
  }

  async #consume(connection: BrokerConnection): Promise<RequestQueue> {
    const { signal } = this.#stopping;
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
    if (++this.#started === this.#settings.count) this.#startDraining();
  }

  #startDraining(graceMs = this.#settings.graceMs): void {
    this.#grace.limit(graceMs);
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort(new RpcError("canceled", "the server was stopped"));
    this.#settings.onEvent({ type: "draining" });
    this.#drain().then(this.#drained.resolve, this.#drained.reject);
  }

  /** Cancel, give back, finish, confirm, acknowledge, close: in this order. */
  async #drain(): Promise<void> {
    const waiting = [...this.#admission.pause(), ...this.#dispatcher.pause()];
    // A broker that is blocked or stalled may answer to nothing at all.
    await Promise.race([this.#finish(waiting), this.#grace.over]);
    this.#grace.end();
    // What still runs is the broker's to give to another.
    this.#dispatcher.abandon();
    await this.#requests?.close();
  }

  async #finish(waiting: Job[]): Promise<void> {
    await this.#requests?.cancel();
    for (const { requests, deliveryTag } of waiting) {
      requests.nack(deliveryTag, true);
    }
    this.#checkIdle();
    await this.#idle.promise;
  }

  /** Nothing left to wait for: the grace period ends. */
  #checkIdle(): void {
    if (this.#stopping.signal.aborted && this.inFlight === 0) {
      this.#idle.resolve();
    }
  }
}
