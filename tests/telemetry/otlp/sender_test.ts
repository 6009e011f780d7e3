// Sending to receivers that take, refuse, stall or are away.

import assert from "node:assert/strict";
import { OtlpSender } from "../../../src/telemetry/otlp/sender.ts";
import type { OtlpTarget } from "../../../src/telemetry/otlp/settings.ts";
import { test } from "../../support/needs.ts";
import { within } from "../../support/within.ts";

const SERIALIZERS = {
  "http/json": {
    serializeRequest: (text: string) => new TextEncoder().encode(text),
  },
  "http/protobuf": {
    serializeRequest: () => Uint8Array.of(1, 2, 3),
  },
};

/** A sender to that address, and what it tells. */
function sending(port: number, target: Partial<OtlpTarget> = {}) {
  const errors: string[] = [];
  const sender = new OtlpSender<string>(
    {
      url: `http://127.0.0.1:${port}/v1/traces`,
      headers: {},
      protocol: "http/json",
      timeoutMs: 10_000,
      ...target,
    },
    SERIALIZERS,
    ({ message }) => errors.push(message),
  );
  const send = (text: string) =>
    within(
      "the end of the export",
      new Promise<number>((resolve) =>
        sender.export(text, ({ code }) => resolve(code))
      ),
    );
  return { sender, send, errors };
}

function serve(handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    handler,
  );
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

for (const protocol of ["http/json", "http/protobuf"] as const) {
  test(`sends as ${protocol}, with the headers asked for`, async () => {
    const requests: unknown[] = [];
    await using server = serve(async (request) => {
      const { headers, method } = request;
      const token = headers.get("token");
      const type = headers.get("content-type");
      const bytes = [...new Uint8Array(await request.arrayBuffer())];
      requests.push({ method, token, type, bytes });
      return new Response("{}");
    });
    const headers = { token: "42" };
    const { send, errors } = sending(server.port, { protocol, headers });
    assert.equal(await send("A"), 0);
    const sent = protocol === "http/json"
      ? { type: "application/json", bytes: [65] }
      : { type: "application/x-protobuf", bytes: [1, 2, 3] };
    assert.deepEqual(requests, [{ method: "POST", token: "42", ...sent }]);
    assert.deepEqual(errors, []);
  });
}

test("a receiver that refuses is told", async () => {
  await using server = serve(() => new Response("full", { status: 503 }));
  const { send, errors } = sending(server.port);
  assert.equal(await send("A"), 1);
  assert.deepEqual(errors, [
    `cannot send telemetry to http://127.0.0.1:${server.port} ` +
    "(HTTP status 503)",
  ]);
});

test("a receiver that is away is told at once", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { send, errors } = sending(port);
  assert.equal(await send("A"), 1);
  assert.deepEqual(errors, [
    `cannot send telemetry to http://127.0.0.1:${port} (it can't be reached)`,
  ]);
});

test("a receiver that does not answer is given up", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { send, errors } = sending(listener.addr.port, { timeoutMs: 50 });
  assert.equal(await send("A"), 1);
  assert.equal(errors.length, 1);
});

test("what is under way can be abandoned", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { sender, send, errors } = sending(listener.addr.port);
  const sent = send("A");
  const flushed = sender.forceFlush();
  sender.abandon();
  assert.equal(await sent, 1);
  await within("the flush", flushed);
  assert.match(errors[0]!, /no answer by the end of the program/);
});
