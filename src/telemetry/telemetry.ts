/**
 * Adds tracing and metrics to what connects and to what serves, from outside.
 *
 * @module
 */
import { type Attributes, metrics, trace } from "@opentelemetry/api";
import manifest from "../../deno.json" with { type: "json" };
import type { ClientOptions } from "../rpc/calling/client_options.ts";
import type { ServeOptions } from "../rpc/serving/serve_options.ts";
import type { ConnectionEvent } from "../rpc/transport.ts";
import { type Instruments, tracedAttempts, tracedCalls } from "./calls.ts";
import { brokerAttributes, Methods } from "./conventions.ts";
import { Meters } from "./meters.ts";
import { TracedRequests } from "./requests.ts";

/** Options of what connects, as far as they matter here. */
export interface Connecting extends ClientOptions {
  /** Hears what becomes of the connection. */
  onEvent?: (event: ConnectionEvent) => void;
}

/**
 * Tracing and metrics of one connection, by whatever providers are registered
 * with `@opentelemetry/api` when this is made: Deno's own with
 * `OTEL_DENO=true`, those of an SDK, or none, which records nothing.
 *
 * @example Trace calls and what they cause
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
  #broker: Attributes = {};
  #connected = false;

  /** Of the providers that are registered now. */
  constructor() {
    const { name, version } = manifest;
    this.#instruments = {
      tracer: trace.getTracer(name, version),
      meters: new Meters(metrics.getMeter(name, version)),
      methods: new Methods(),
      broker: () => this.#broker,
    };
  }

  /** Options for `connect()`, or for a client and its transport. */
  connecting<T extends Connecting>(options: T = {} as T): T {
    const { interceptors = [], attemptInterceptors = [] } = options;
    return {
      ...options,
      interceptors: [tracedCalls(this.#instruments), ...interceptors],
      // The innermost: what it adds is what is sent.
      attemptInterceptors: [
        ...attemptInterceptors,
        tracedAttempts(this.#instruments),
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

  /** Options for `serve()`, of one server. */
  serving(options: ServeOptions = {}): ServeOptions {
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

  #onConnection(event: ConnectionEvent): void {
    if (event.type !== "connected") return;
    this.#broker = brokerAttributes(event.broker);
    if (this.#connected) this.#instruments.meters.reconnects.add(1);
    this.#connected = true;
  }
}
