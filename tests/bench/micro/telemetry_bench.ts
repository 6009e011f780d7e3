// A call and its request, client and server together, with telemetry off and
// on: three spans and two measurements.

import { metrics, trace } from "@opentelemetry/api";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { AsyncQueue } from "../../../src/async/queue.ts";
import { RpcClient } from "../../../src/rpc/calling/client.ts";
import { RpcServer } from "../../../src/rpc/serving/server.ts";
import type {
  BrokerConnection,
  CallbackQueue,
  Delivery,
  RequestQueue,
  Transport,
} from "../../../src/rpc/transport.ts";
import type { MessageProperties } from "../../../src/rpc/messages.ts";
import { Telemetry } from "../../../src/telemetry/telemetry.ts";

const body = new Uint8Array(2);
const nothing = () => {};
const atOnce = () => Promise.resolve();

/** Hands requests to the server and replies to the client, and no more. */
class Loopback implements Transport {
  readonly #requests = new AsyncQueue<Delivery>();
  readonly #replies = new AsyncQueue<Delivery>();

  connection(): Promise<BrokerConnection> {
    return Promise.resolve({
      vhost: "/",
      unblocked: undefined,
      lost: new Promise(nothing),
      openCallbackQueue: () =>
        Promise.resolve<CallbackQueue>({
          name: "amq.gen-callback",
          ...this.#ends(this.#requests, this.#replies),
        }),
      openRequestQueue: () =>
        Promise.resolve<RequestQueue>({
          ...this.#ends(this.#replies, this.#requests),
          ack: nothing,
          nack: nothing,
          cancel: atOnce,
        }),
      cancelCall: atOnce,
      inspect: () => Promise.resolve(undefined),
      rttMs: () => Promise.resolve(1),
      checkReplyTo: () => Promise.resolve("exclusive" as const),
    });
  }

  #ends(to: AsyncQueue<Delivery>, from: AsyncQueue<Delivery>) {
    const publish = (
      _: string,
      body: Uint8Array,
      properties: MessageProperties,
    ) => to.push({ body, properties, deliveryTag: 1, redelivered: false });
    return {
      publish,
      publishUnconfirmed: publish,
      distrustUnconfirmed: () => {},
      close: atOnce,
      [Symbol.asyncIterator]: () => from[Symbol.asyncIterator](),
    };
  }

  events() {
    return new AsyncQueue<never>();
  }

  close = atOnce;
  [Symbol.asyncDispose] = atOnce;
}

/** A call of a procedure that does nothing. */
function calling(telemetry?: Telemetry): () => Promise<unknown> {
  const transport = new Loopback();
  const client = new RpcClient(transport, telemetry?.connecting());
  new RpcServer(transport, "q", () => body, telemetry?.serving());
  return () => client.call("q", body);
}

const group = "telemetry";
const off = calling();
Deno.bench("a call, off", { group, baseline: true }, async () => {
  await off();
});

trace.setGlobalTracerProvider(new TracerProvider());
metrics.setGlobalMeterProvider(new MeterProvider());
const on = calling(new Telemetry());
Deno.bench("a call, on", { group }, async () => {
  await on();
});
