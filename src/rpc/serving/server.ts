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
   * @throws {RpcError} if the broker refused login or permission, or to
   * declare the queue.
   */
  readonly finished: Promise<void>;

  readonly #transport: Transport;
  readonly #settings: ServeSettings;
  readonly #events = new Broadcast<ServerEvent>();
  readonly #consumption: RequestQueueOptions;
  readonly #stages: Stages;
  readonly #draining: Draining;
  readonly #ready = Promise.withResolvers<void>();
  #requests: RequestQueue | undefined;
  #started = 0;

  /**
   * Starts to serve at once; await `ready` to know when requests come.
   *
   * @throws {RangeError} if an option is out of its range.
   * @throws {TypeError} if an option has the wrong type.
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
    this.#consumption = consumption(this.#settings, this.#stages.dispatcher);
    this.ready = this.#ready.promise;
    this.finished = this.#run();
  }

  /**
   * What the server does from now on; ends when the server has stopped. Unread
   * events are kept without limit, so leave the loop when you stop reading.
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
    return this.#stages.inFlight;
  }

  /** Counts of streams, as they are now. */
  get streams(): StreamStats {
    return this.#stages.dispatcher.streams.stats;
  }

  /**
   * Stops: takes no more requests, gives back those that have not started, and
   * finishes, answers and acknowledges those that run. After the grace period,
   * or at once with a grace of 0, it gives back what still runs. May be called
   * again: the shortest grace period counts, and all calls resolve together. A
   * procedure must not wait for it, since it waits for procedures.
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

  #run(): Promise<void> {
    // The loop may still wait for something when all is drained.
    const finished = Promise.race([this.#serve(), this.#draining.done]);
    const { reject } = this.#ready;
    finished.then(
      () => reject(new RpcError("canceled", "the server was stopped")),
      reject,
    );
    // Either may be awaited alone.
    void settled(Promise.all([this.ready, finished]));
    void settled(finished).then(() => this.#events.end());
    return finished;
  }

  /** Consumes, on one connection after the other, until stopped. */
  async #serve(): Promise<void> {
    const signal = this.#draining.begun;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const connection = await this.#transport.connection({
          patient: true,
          signal,
        });
        const requests = await this.#consume(connection);
        attempt = 0;
        this.#ready.resolve();
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
      // What came over a lost connection is delivered again over the next.
      if (!alive) continue;
      if (!this.#draining.begun.aborted) {
        this.#stages.admission.receive(requests, delivery, connection);
      } else requests.nack(delivery.deliveryTag, true);
    }
  }

  async #interrupted(error: RpcError, retryInMs: number): Promise<void> {
    this.#stages.connectionLost();
    // The connection may live on: the old consumer must not take requests that
    // nobody reads.
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
    // Stopped meanwhile: draining did not know of this queue.
    if (signal.aborted) await requests.close();
    signal.throwIfAborted();
    return this.#requests = requests;
  }

  #countStart(): void {
    if (++this.#started < this.#settings.count) return;
    this.#draining.begin(this.#settings.graceMs, this.#requests);
  }
}
