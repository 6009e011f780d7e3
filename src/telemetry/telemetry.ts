/**
 * Adds tracing and metrics to connections and servers, from outside.
 *
 * @module
 */
import { type Attributes, metrics, trace } from "@opentelemetry/api";
import manifest from "../../deno.json" with { type: "json" };
import type { ClientOptions } from "../rpc/calling/client_options.ts";
import type { ServeOptions } from "../rpc/serving/serve_options.ts";
import type { ServeHooks } from "../rpc/serving/server_events.ts";
import type { ConnectionEvent } from "../rpc/transport.ts";
import { type Instruments, tracedAttempts, tracedCalls } from "./calls.ts";
import { brokerAttributes, Methods } from "./conventions.ts";
import { createMeters } from "./meters.ts";
import { TracedRequests } from "./requests.ts";
import { ServerStreams, type StreamServer, tracedStreams } from "./streams.ts";

/** The options of a connection that telemetry uses. */
export interface Connecting extends ClientOptions {
  /** Takes the events of the connection. */
  onEvent?: (event: ConnectionEvent) => void;
}

/**
 * Tracing and metrics of one connection. They use the providers that are
 * registered with `@opentelemetry/api` when this is created: Deno's own with
 * `OTEL_DENO=true`, or those of an SDK. Without any, nothing is recorded.
 *
 * @example Trace calls and the requests that they cause
 * ```ts
 * import { connect } from "@rabbit-rpc/rabbit-rpc";
 * import { Telemetry } from "@rabbit-rpc/rabbit-rpc/telemetry";
 * import assert from "node:assert/strict";
 *
 * const telemetry = new Telemetry();
 * const url = Deno.env.get("AMQP_URL");
 * await using rpc = await connect(url, telemetry.connecting());
 * await using server = await rpc.serve(
 *   "traced",
 *   (request) => request.text(),
 *   telemetry.serving({ concurrency: 8 }),
 * );
 * assert.equal((await rpc.call("traced", "hello")).text(), "hello");
 * ```
 */
export class Telemetry {
  readonly #instruments: Instruments;
  readonly #serverStreams: ServerStreams;
  #broker: Attributes = {};
  #connected = false;

  /** Uses the providers that are registered now. */
  constructor() {
    const { name, version } = manifest;
    const meter = metrics.getMeter(name, version);
    this.#serverStreams = new ServerStreams(meter);
    this.#instruments = {
      tracer: trace.getTracer(name, version),
      meters: createMeters(meter),
      methods: new Methods(),
      broker: () => this.#broker,
    };
  }

  /** Adds telemetry to the options of `connect()`. */
  connecting<T extends Connecting>(options: T = {} as T): T {
    const {
      interceptors = [],
      attemptInterceptors = [],
      streamInterceptors = [],
    } = options;
    return {
      ...options,
      interceptors: [tracedCalls(this.#instruments), ...interceptors],
      // Innermost, so that its headers are the ones that are sent.
      attemptInterceptors: [
        ...attemptInterceptors,
        tracedAttempts(this.#instruments),
      ],
      streamInterceptors: [
        ...streamInterceptors,
        tracedStreams(this.#instruments),
      ],
      onUnknownReply: () => {
        this.#instruments.meters.unknownReplies.add(1);
        options.onUnknownReply?.();
      },
      onEvent: (event: ConnectionEvent) => {
        this.#onConnection(event);
        options.onEvent?.(event);
      },
    };
  }

  /** Adds telemetry to the options of `serve()`, for one server. */
  serving(
    options: ServeOptions & ServeHooks = {},
  ): ServeOptions & ServeHooks {
    const requests = new TracedRequests(this.#instruments);
    return {
      ...options,
      interceptors: [requests.interceptor, ...options.interceptors ?? []],
      onEvent: (event) => {
        requests.onEvent(event);
        options.onEvent?.(event);
      },
    };
  }

  /**
   * Also measures the streams of a server: those that are open, those that wait
   * for their callers, and their items.
   *
   * @example Measure the streams of a server
   * ```ts
   * import { connect } from "@rabbit-rpc/rabbit-rpc";
   * import { Telemetry } from "@rabbit-rpc/rabbit-rpc/telemetry";
   *
   * const telemetry = new Telemetry();
   * await using rpc = await connect(Deno.env.get("AMQP_URL"));
   * await using server = await rpc.serve("letters", async function* () {
   *   yield* ["a", "b"];
   * }, telemetry.serving());
   * telemetry.observe(server);
   * ```
   */
  observe(server: StreamServer): void {
    this.#serverStreams.add(server);
  }

  #onConnection(event: ConnectionEvent): void {
    if (event.type !== "connected") return;
    this.#broker = brokerAttributes(event.broker);
    if (this.#connected) this.#instruments.meters.reconnects.add(1);
    this.#connected = true;
  }
}
