// What is recorded of calls and requests, on a broker in memory.

import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import assert from "node:assert/strict";
import { RpcClient } from "../../src/rpc/calling/client.ts";
import { RpcConnection } from "../../src/rpc/connection.ts";
import { RpcError } from "../../src/rpc/errors.ts";
import { MemoryTransport } from "../../src/rpc/memory/transport.ts";
import type { Procedure } from "../../src/rpc/procedure.ts";
import type { ServeOptions } from "../../src/rpc/serving/serve_options.ts";
import { RpcServer } from "../../src/rpc/serving/server.ts";
import { Telemetry } from "../../src/telemetry/mod.ts";
import { answer, failure } from "../support/calling.ts";
import { FakeBroker } from "../support/fake_transport.ts";
import { Scene } from "../support/serving.ts";
import { waitUntil } from "../support/wait.ts";
import { turns, within } from "../support/within.ts";
import { Recording } from "./recording.ts";

/** A traced client of a broker that has the queue "q". */
function calling() {
  const broker = new FakeBroker();
  broker.declare("q");
  const transport = broker.connect();
  const telemetry = new Telemetry();
  const client = new RpcClient(transport, telemetry.connecting());
  const end = () => client.close();
  return { broker, transport, telemetry, client, [Symbol.asyncDispose]: end };
}

/** A traced server of "q", told by the scene what to answer. */
async function serving(procedure: Procedure, options: ServeOptions = {}) {
  const scene = new Scene(procedure);
  const telemetry = new Telemetry();
  const server = new RpcServer(
    scene.transport,
    "q",
    procedure,
    telemetry.serving(options),
  );
  await within("ready", server.ready);
  const reply = () => scene.broker.take(scene.callback);
  const end = () => server.stop({ graceMs: 0 });
  return { scene, server, reply, [Symbol.asyncDispose]: end };
}

Deno.test("each attempt is a span of its own, within the call's", async () => {
  using recording = new Recording();
  await using scene = calling();
  const call = scene.client.call("q", "x", { retries: 1 });
  const first = await scene.broker.take("q");
  await scene.transport.lose();
  const second = await scene.broker.take("q");
  scene.broker.send(second.properties.replyTo!, "", second.properties);
  await within("the call's end", call);

  const [span] = recording.named("q");
  const attempts = recording.named("send q");
  assert.equal(span!.kind, SpanKind.CLIENT);
  assert.equal(span!.status.code, SpanStatusCode.UNSET);
  assert.deepEqual(
    attempts.map(({ attributes, status }) => [
      attributes["rpc.response.status_code"],
      attributes["rabbit_rpc.error.reason"],
      status.code,
    ]),
    [
      ["unavailable", "connection_lost", SpanStatusCode.ERROR],
      ["ok", undefined, SpanStatusCode.UNSET],
    ],
  );
  const { traceId, spanId } = span!.spanContext();
  for (const [index, { properties }] of [first, second].entries()) {
    const attempt = attempts[index]!;
    assert.equal(attempt.parentSpanContext?.spanId, spanId);
    assert.equal(
      properties.headers?.traceparent,
      `00-${traceId}-${attempt.spanContext().spanId}-01`,
    );
    const { attributes } = attempt;
    assert.equal(attributes["messaging.message.id"], properties.messageId);
  }
});

Deno.test("calls are counted by outcome, and while they wait", async () => {
  using recording = new Recording();
  await using scene = calling();
  const answered = scene.client.call("q", "x");
  await turns();
  assert.equal(await recording.total("rabbit_rpc.client.calls.pending"), 1);
  await answer(scene.broker);
  await answered;
  await failure(scene.client.call("missing", "x"));
  await assert.rejects(scene.client.call("q", "x", { timeoutMs: -1 }));
  assert.equal(await recording.total("rabbit_rpc.client.calls.pending"), 0);
  const points = await recording.points("rpc.client.call.duration");
  const outcomes = points.map(({ attributes, value }) => [
    attributes["rpc.method"],
    attributes["error.type"],
    value,
  ]);
  assert.deepEqual(outcomes, [
    ["q", undefined, 1],
    ["missing", "unavailable", 1],
    ["q", "RangeError", 1],
  ]);
});

Deno.test("a reply that nobody awaits is counted", async () => {
  using recording = new Recording();
  await using scene = calling();
  const call = scene.client.call("q", "x");
  const { properties } = await scene.broker.take("q");
  const { replyTo } = properties;
  scene.broker.send(replyTo!, "", { correlationId: "unknown" });
  scene.broker.send(replyTo!, "", properties);
  await call;
  assert.equal(await recording.total("rabbit_rpc.client.replies.dropped"), 1);
});

Deno.test("of many types not all become names", async () => {
  using recording = new Recording();
  await using it = await serving(() => "");
  for (let n = 0; n < 150; n++) {
    it.scene.ask("x", { type: `t${n}` });
    await it.reply();
  }
  const points = await recording.points("rpc.server.call.duration");
  const methods = new Map(
    points.map(({ attributes, value }) => [attributes["rpc.method"], value]),
  );
  assert.equal(methods.get("q/t0"), 1);
  assert.equal(methods.get("_OTHER"), 50);
  assert.equal(methods.size, 101);
  const { attributes } = recording.spans.at(-1)!;
  assert.equal(attributes["rpc.method_original"], "q/t149");
});

Deno.test("a request without a traceparent begins a trace", async () => {
  using recording = new Recording();
  // Whatever was active when the server was started is not its parent.
  await trace.getTracer("test").startActiveSpan("starter", async (starter) => {
    await using it = await serving((request) => request.text());
    it.scene.ask("x");
    await it.reply();
    starter.end();
  });
  const [span] = recording.named("process q");
  assert.equal(span!.kind, SpanKind.CONSUMER);
  assert.equal(span!.parentSpanContext, undefined);
  assert.equal(span!.attributes["messaging.message.conversation_id"], "1");
});

Deno.test("what a procedure does is within its request's span", async () => {
  using recording = new Recording();
  await using it = await serving(async () => {
    await turns();
    trace.getTracer("test").startSpan("inner").end();
    return "";
  });
  it.scene.ask("x");
  await it.reply();
  const [outer] = recording.named("process q");
  const [inner] = recording.named("inner");
  assert.equal(inner!.parentSpanContext?.spanId, outer!.spanContext().spanId);
});

const FAULTS: [RpcError, SpanStatusCode][] = [
  [new RpcError("internal", "broken"), SpanStatusCode.ERROR],
  [new RpcError("invalid_argument", "bad"), SpanStatusCode.UNSET],
];

for (const [error, status] of FAULTS) {
  Deno.test(`a request that ends in ${error.code}`, async () => {
    using recording = new Recording();
    await using it = await serving(() => {
      throw error;
    });
    it.scene.ask("x");
    await it.reply();
    const [span] = recording.named("process q");
    assert.equal(span!.attributes["error.type"], error.code);
    assert.equal(span!.status.code, status);
  });
}

Deno.test("a request past its time is over, whatever still runs", async () => {
  using recording = new Recording();
  const never = new Promise<string>(() => {});
  await using it = await serving(() => never, { handlerTimeoutMs: 20 });
  it.scene.ask("x");
  await it.reply();
  const [span, ...others] = recording.named("process q");
  assert.equal(span!.attributes["error.type"], "deadline_exceeded");
  assert.deepEqual(others, []);
  assert.equal(
    await recording.total("rabbit_rpc.server.requests.in_flight"),
    0,
  );
});

Deno.test("a run that is abandoned is over as well", async () => {
  using recording = new Recording();
  const never = new Promise<string>(() => {});
  const started = Promise.withResolvers<void>();
  const it = await serving(() => {
    started.resolve();
    return never;
  });
  it.scene.ask("x");
  await within("the start", started.promise);
  assert.equal(
    await recording.total("rabbit_rpc.server.requests.in_flight"),
    1,
  );
  await it.server.stop({ graceMs: 0 });
  const [span] = recording.named("process q");
  assert.equal(span!.attributes["error.type"], "aborted");
  assert.equal(
    await recording.total("rabbit_rpc.server.requests.in_flight"),
    0,
  );
});

Deno.test("repeated requests have spans, and are counted as replays", async () => {
  using recording = new Recording();
  const results = Promise.withResolvers<string>();
  await using it = await serving(() => results.promise);
  const headers = { "rpc-deadline": Date.now() + 60_000 };
  const again = { messageId: "m", headers };
  it.scene.ask("x", again);
  it.scene.ask("x", again);
  await turns();
  results.resolve("y");
  await it.reply();
  await it.reply();
  it.scene.ask("x", again);
  await it.reply();
  const replayed = recording.named("process q").map(({ attributes }) => [
    attributes["messaging.message.conversation_id"],
    attributes["rabbit_rpc.replayed"],
    attributes["rpc.response.status_code"],
  ]);
  assert.deepEqual(replayed, [
    ["1", undefined, "ok"],
    ["2", true, "ok"],
    ["3", true, "ok"],
  ]);
  const counted = "rabbit_rpc.server.requests.replayed";
  assert.equal(await recording.total(counted), 2);
});

Deno.test("requests and replies that are dropped are counted", async () => {
  using recording = new Recording();
  await using it = await serving((request) => request.text());
  // Its reply would come back as a request.
  it.scene.broker.send("q", "x", { replyTo: "q" });
  it.scene.ask("x", { replyTo: "amq.gen-gone" });
  it.scene.ask("x");
  await it.reply();
  const of = (name: string) => recording.total(`rabbit_rpc.server.${name}`);
  assert.equal(await of("requests.dropped"), 1);
  assert.equal(await of("replies.dropped"), 1);
});

Deno.test("redeliveries, held replies and reconnects are counted", async () => {
  using recording = new Recording();
  const results = Promise.withResolvers<string>();
  const started = Promise.withResolvers<void>();
  await using it = await serving(() => {
    started.resolve();
    return results.promise;
  });
  it.scene.ask("x");
  await within("the start", started.promise);
  await it.scene.transport.lose();
  results.resolve("y");
  await it.reply();
  await it.reply();
  const of = (name: string) => recording.total(`rabbit_rpc.server.${name}`);
  assert.equal(await of("replies.held"), 1);
  assert.equal(await of("requests.redelivered"), 1);

  const { onEvent } = new Telemetry().connecting();
  const reconnects = "rabbit_rpc.connection.reconnects";
  onEvent!({ type: "connected", broker: "[::1]:5672" });
  assert.equal(await recording.total(reconnects), 0);
  onEvent!({ type: "connected", broker: "mq:5672" });
  assert.equal(await recording.total(reconnects), 1);
});

Deno.test("options keep what they had, and are not changed", () => {
  const told: string[] = [];
  const telemetry = new Telemetry();
  const connecting = {
    name: "mine",
    onUnknownReply: () => void told.push("unknown"),
    onEvent: ({ type }: { type: string }) => void told.push(type),
  };
  const traced = telemetry.connecting(connecting);
  assert.equal(traced.name, "mine");
  traced.onUnknownReply!();
  traced.onEvent!({ type: "unblocked" });
  assert.deepEqual(told, ["unknown", "unblocked"]);
  assert.deepEqual(Object.keys(connecting), [
    "name",
    "onUnknownReply",
    "onEvent",
  ]);
});

/** A client and a server of streams, both traced, of one broker in memory. */
async function streaming(procedure: Procedure) {
  const telemetry = new Telemetry();
  const rpc = new RpcConnection(new MemoryTransport(), telemetry.connecting());
  const server = await rpc.serve("q", procedure, telemetry.serving());
  telemetry.observe(server);
  return { rpc, server, [Symbol.asyncDispose]: () => rpc.close() };
}

Deno.test("a stream is one trace, with how many items it had", async () => {
  using recording = new Recording();
  await using scene = await streaming(async function* () {
    yield* ["a", "b", "c"];
  });
  const items: string[] = [];
  for await (const item of scene.rpc.stream("q")) items.push(item.text());
  assert.deepEqual(items, ["a", "b", "c"]);
  await scene.rpc.close();

  const [stream] = recording.named("q");
  const [request] = recording.named("process q");
  assert.equal(stream!.kind, SpanKind.CLIENT);
  assert.equal(
    request!.parentSpanContext!.spanId,
    stream!.spanContext().spanId,
  );
  for (const { attributes } of [stream!, request!]) {
    assert.equal(attributes["rabbit_rpc.stream.items"], 3);
    assert.equal(attributes["rpc.response.status_code"], "ok");
  }
  const total = (name: string) => recording.total(`rabbit_rpc.${name}`);
  assert.equal(await total("client.streams.items"), 3);
  assert.equal(await total("client.streams.open"), 0);
  assert.equal(await total("server.streams.items"), 3);
  assert.equal(await total("server.streams.open"), 0);
});

Deno.test("a stream that fails is an error, with its items before", async () => {
  using recording = new Recording();
  await using scene = await streaming(async function* () {
    yield "a";
    throw new RpcError("internal", "broken");
  });
  await assert.rejects(async () => {
    for await (const _item of scene.rpc.stream("q"));
  }, /broken/);
  const [stream] = recording.named("q");
  assert.equal(stream!.attributes["rabbit_rpc.stream.items"], 1);
  assert.equal(stream!.attributes["error.type"], "internal");
  assert.equal(stream!.status.code, SpanStatusCode.ERROR);
});

Deno.test("streams that wait for their reader count as stalled", async () => {
  using recording = new Recording();
  await using scene = await streaming(async function* () {
    while (true) yield "more";
  });
  const stream = scene.rpc.stream("q", "", { credit: 4 });
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  const isStalled = () => scene.server.streams.stalled === 1;
  await waitUntil("a stalled stream", isStalled, 15_000);
  const total = (name: string) => recording.total(`rabbit_rpc.${name}`);
  assert.equal(await total("server.streams.open"), 1);
  assert.equal(await total("server.streams.stalled"), 1);
  assert.equal(await total("client.streams.open"), 1);
  await iterator.return?.();
});
