// Tracing and metrics, as a user switches them on: a real receiver, and the
// program from source (Deno exports) or as an executable (the SDK does).

import assert from "node:assert/strict";
import { test } from "../support/needs.ts";
import {
  FAILED,
  KIND,
  OtlpReceiver,
  type ReceivedSpan,
} from "../support/otlp_receiver.ts";
import type { Running } from "../support/process.ts";
import { run } from "../support/program.ts";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { type Scene, scene } from "./scene.ts";

const NOWHERE = ["-u", "amqp://127.0.0.1:1"];
/** How a program that is compiled ends the wait for a receiver. */
const IS_EXECUTABLE = Deno.env.get("RABBIT_RPC_BIN") !== undefined;

/** A receiver, and a traced server of a queue; `stop` ends the latter. */
async function traced(args: string[], service = "server") {
  const receiver = new OtlpReceiver();
  const place: Scene = await scene();
  const serverEnv = { ...receiver.env, OTEL_SERVICE_NAME: service };
  const server: Running = await place.serve(args, { env: serverEnv });
  const env = { ...receiver.env, OTEL_SERVICE_NAME: "client" };
  return {
    ...place,
    receiver,
    call: (args: string[]) => place.client(args, { env }),
    stop: async () => {
      server.kill("SIGTERM");
      assert.equal((await server.result()).code, 0);
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

/** The one span of that kind. */
function only(receiver: OtlpReceiver, kind: number): ReceivedSpan {
  const spans = receiver.spans.filter((span) => span.kind === kind);
  assert.equal(spans.length, 1, JSON.stringify(receiver.spans, null, 1));
  return spans[0]!;
}

rabbitMqTest("call, attempt and request are one trace", async () => {
  await using place = await traced(["--builtin", "fib"]);
  const { receiver, queue, url } = place;
  const { code, stdout, stderr } = await place.call(["30", "--type", "fast"]);
  assert.deepEqual([code, stdout, stderr], [0, "832040", ""]);
  await place.stop();

  const call = only(receiver, KIND.client);
  const attempt = only(receiver, KIND.producer);
  const request = only(receiver, KIND.consumer);
  assert.equal(call.name, `${queue}/fast`);
  assert.equal(attempt.name, `send ${queue}`);
  assert.equal(request.name, `process ${queue}`);
  assert.deepEqual([call.service, request.service], ["client", "server"]);

  assert.equal(call.parentSpanId, "");
  assert.equal(attempt.parentSpanId, call.spanId);
  assert.equal(request.parentSpanId, attempt.spanId);
  assert.equal(attempt.traceId, call.traceId);
  assert.equal(request.traceId, call.traceId);

  const { hostname, port } = new URL(url);
  for (const { attributes, status } of [call, attempt, request]) {
    assert.equal(attributes["rpc.system.name"], "rabbit-rpc");
    assert.equal(attributes["rpc.method"], `${queue}/fast`);
    assert.equal(attributes["rpc.response.status_code"], "ok");
    assert.equal(attributes["server.address"], hostname);
    assert.equal(attributes["server.port"], Number(port));
    assert.notEqual(status, FAILED);
  }
  for (const { attributes } of [attempt, request]) {
    assert.equal(attributes["messaging.system"], "rabbitmq");
    assert.equal(attributes["messaging.destination.name"], queue);
    assert.equal(attributes["messaging.message.body.size"], 2);
  }
  assert.equal(attempt.attributes["messaging.operation.type"], "send");
  assert.equal(request.attributes["messaging.operation.type"], "process");
  assert.ok(request.attributes["messaging.message.conversation_id"]);
});

rabbitMqTest("a call may be part of the caller's own trace", async () => {
  await using place = await traced(["--builtin", "echo"]);
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const headers = [
    ...["-H", `traceparent:00-${trace}-b7ad6b7169203331-01`],
    ...["-H", "tracestate:vendor=1"],
  ];
  assert.equal((await place.call(["x", ...headers])).code, 0);
  await place.stop();
  const call = only(place.receiver, KIND.client);
  assert.equal(call.parentSpanId, "b7ad6b7169203331");
  const request = only(place.receiver, KIND.consumer);
  assert.equal(request.traceId, trace);
});

rabbitMqTest("a command's request carries the attempt's span", async () => {
  const printed =
    "$RABBIT_RPC_HEADER_TRACEPARENT $RABBIT_RPC_HEADER_TRACESTATE";
  await using place = await traced(["--", "sh", "-c", `echo ${printed}`]);
  const headers = [
    ...[
      "-H",
      "traceparent:00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ],
    ...["-H", "tracestate:vendor=1"],
  ];
  const { stdout, stderr } = await place.call(["x", ...headers]);
  await place.stop();
  const { traceId, spanId } = only(place.receiver, KIND.producer);
  assert.equal(stdout, `00-${traceId}-${spanId}-01 vendor=1\n`, stderr);
});

rabbitMqTest("what went wrong is told by code", async () => {
  await using place = await traced(["--builtin", "fib"]);
  const { receiver } = place;
  assert.equal((await place.call(["thirty"])).code, 1);
  await place.stop();
  const call = only(receiver, KIND.client);
  const request = only(receiver, KIND.consumer);
  // It is the caller's fault: only its spans are marked as failed.
  assert.deepEqual([call.status, request.status !== FAILED], [FAILED, true]);
  for (const { attributes } of [call, request]) {
    assert.equal(attributes["error.type"], "invalid_argument");
  }
});

rabbitMqTest("both sides are measured", async () => {
  await using place = await traced(["--builtin", "fib"]);
  const { receiver } = place;
  assert.equal((await place.call(["20"])).code, 0);
  assert.equal((await place.call(["twenty"])).code, 1);
  await place.stop();

  const byOutcome = (service: string, name: string) =>
    Object.fromEntries(
      receiver.pointsOf(service, name).map(({ attributes, value }) => [
        attributes["rpc.response.status_code"],
        value,
      ]),
    );
  const outcomes = { ok: 1, invalid_argument: 1 };
  // One program for each call.
  assert.deepEqual(byOutcome("client", "rpc.client.call.duration"), outcomes);
  assert.deepEqual(byOutcome("server", "rpc.server.call.duration"), outcomes);

  const zeroAtTheEnd = {
    client: [
      "rabbit_rpc.client.calls.pending",
      "rabbit_rpc.client.replies.dropped",
    ],
    server: [
      "rabbit_rpc.server.requests.in_flight",
      "rabbit_rpc.connection.reconnects",
      "rabbit_rpc.server.requests.redelivered",
      "rabbit_rpc.server.requests.replayed",
      "rabbit_rpc.server.requests.dropped",
      "rabbit_rpc.server.replies.held",
      "rabbit_rpc.server.replies.dropped",
    ],
  };
  for (const [service, names] of Object.entries(zeroAtTheEnd)) {
    for (const name of names) {
      const values = receiver.pointsOf(service, name).map((it) => it.value);
      assert.equal(values.at(-1), 0, `${name} of ${service}: ${values}`);
    }
  }
});

const OFF: Record<string, string>[] = [
  {},
  { OTEL_DENO: "false" },
  { OTEL_DENO: "true", OTEL_SDK_DISABLED: "true" },
];

for (const switches of OFF) {
  const named = JSON.stringify(switches);
  rabbitMqTest(`nobody is connected to with ${named}`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const connections = countConnections(listener);
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${listener.addr.port}`,
      ...switches,
    };
    const { client, serve } = await scene();
    await using server = await serve(["--builtin", "echo"], { env });
    const { code, stdout } = await client(["x"], { env });
    assert.deepEqual([code, stdout], [0, "x"]);
    server.kill("SIGTERM");
    assert.equal((await server.result()).code, 0);
    listener.close();
    assert.equal(await connections, 0);
  });
}

/** How many there were until it is closed. */
async function countConnections(listener: Deno.Listener): Promise<number> {
  let count = 0;
  for await (const connection of listener) {
    count++;
    connection.close();
  }
  return count;
}

rabbitMqTest("by default it is sent as protobuf", async () => {
  await using receiver = new OtlpReceiver();
  const { OTEL_EXPORTER_OTLP_PROTOCOL: _, ...env } = receiver.env;
  const { queue, client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  assert.equal((await client(["x"], { env })).code, 0);
  const traces = receiver.requests.filter(({ path }) => path === "/v1/traces");
  assert.ok(traces.length > 0);
  const types = new Set(receiver.requests.map(({ type }) => type));
  assert.deepEqual([...types], ["application/x-protobuf"]);
  // ExportTraceServiceRequest.resource_spans; texts are as they are.
  const { bytes } = traces[0]!;
  assert.equal(bytes[0], (1 << 3) | 2);
  const texts = new TextDecoder().decode(bytes);
  assert.ok(texts.includes(`send ${queue}`), texts);
});

rabbitMqTest(
  "a receiver that is away changes nothing but one line",
  async () => {
    const { client, serve } = await scene();
    await using _server = await serve(["--builtin", "echo"]);
    const env = {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
    };
    const startMs = performance.now();
    const { code, stdout, stderr } = await client(["x"], { env });
    const tookMs = performance.now() - startMs;
    assert.deepEqual([code, stdout], [0, "x"]);
    // Starting the program is most of it; exports are given 10 s by default.
    assert.ok(tookMs < 9_000, `${tookMs} ms`);
    const line = "rabbit-rpc: cannot send telemetry to http://127.0.0.1:1 " +
      "(it can't be reached); continuing without telemetry.\n";
    // Deno's own exporter says nothing.
    assert.equal(stderr, IS_EXECUTABLE ? line : "");
  },
);

// Deno's own exporter has limits of its own: with Deno 2.4 it waits for ever.
if (IS_EXECUTABLE) {
  rabbitMqTest("a receiver that stalls is waited for 2 s at most", async () => {
    using stalled = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { client, serve } = await scene();
    await using _server = await serve(["--builtin", "echo"]);
    const env = {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${stalled.addr.port}`,
    };
    const startMs = performance.now();
    const { code, stdout, stderr } = await client(["x"], { env });
    const tookMs = performance.now() - startMs;
    assert.deepEqual([code, stdout], [0, "x"]);
    assert.match(stderr, /^rabbit-rpc: cannot send telemetry to .*\n$/);
    assert.ok(tookMs > 1_500 && tookMs < 9_000, `${tookMs} ms`);
  });

  test("a variable that makes no sense is wrong usage", async () => {
    const env = { OTEL_DENO: "true", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    const { code, stderr } = await run(["client", "q", "x", ...NOWHERE], {
      env,
    });
    assert.equal(
      stderr,
      "rabbit-rpc: OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf or " +
        'http/json, got "grpc".\n',
    );
    assert.equal(code, 64);
  });
}
