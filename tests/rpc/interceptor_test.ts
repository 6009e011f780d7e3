// Functions around calls, attempts and procedures.

import assert from "node:assert/strict";
import { RpcClient } from "../../src/rpc/calling/client.ts";
import { RpcError } from "../../src/rpc/errors.ts";
import type {
  CallInterceptor,
  ClientOptions,
} from "../../src/rpc/calling/client_options.ts";
import type { ProcedureInterceptor } from "../../src/rpc/interceptor.ts";
import { RpcReply } from "../../src/rpc/messages.ts";
import { answer, failure } from "../support/calling.ts";
import { FakeBroker } from "../support/fake_transport.ts";
import { Scene } from "../support/serving.ts";
import { within } from "../support/within.ts";

/** A client of a broker that has the queue "q". */
function calling(options: ClientOptions) {
  const broker = new FakeBroker();
  broker.declare("q");
  const transport = broker.connect();
  const client = new RpcClient(transport, options);
  const end = () => client.close();
  return { broker, transport, client, [Symbol.asyncDispose]: end };
}

/** Notes when it is entered and left. */
function noting(log: string[], name: string): CallInterceptor {
  return (next) => async (call) => {
    log.push(`${name} ${call.queue}`);
    try {
      return await next(call);
    } catch (error) {
      log.push(`${name} failed`);
      throw error;
    } finally {
      log.push(`${name} over`);
    }
  };
}

Deno.test("call interceptors: the first is the outermost", async () => {
  const log: string[] = [];
  await using scene = calling({
    interceptors: [noting(log, "a"), noting(log, "b")],
    attemptInterceptors: [noting(log, "c"), noting(log, "d")],
  });
  const call = scene.client.call("q", "x");
  await answer(scene.broker);
  assert.equal((await call).text(), "done");
  const entered = ["a q", "b q", "c q", "d q"];
  assert.deepEqual(log, [...entered, "d over", "c over", "b over", "a over"]);
});

Deno.test("an interceptor changes what is sent, not what others see", async () => {
  const seen: unknown[] = [];
  const changing: CallInterceptor = (next) => (call) => {
    const headers = { ...call.options.headers, added: "1" };
    return next({ ...call, body: "y", options: { ...call.options, headers } });
  };
  const watching: CallInterceptor = (next) => (call) => {
    seen.push(call.body, call.options.headers);
    return next(call);
  };
  await using scene = calling({
    interceptors: [watching],
    attemptInterceptors: [changing],
  });
  const headers = { own: "0" };
  const call = scene.client.call("q", "x", { headers });
  const { text, properties } = await scene.broker.take("q");
  assert.equal(text, "y");
  assert.equal(properties.headers?.own, "0");
  assert.equal(properties.headers?.added, "1");
  assert.deepEqual(seen, ["x", { own: "0" }]);
  scene.broker.send(properties.replyTo!, "", properties);
  await call;
});

Deno.test("attempt interceptors are around each attempt of one call", async () => {
  const attempts: (string | undefined)[] = [];
  const log: string[] = [];
  await using scene = calling({
    interceptors: [noting(log, "call")],
    attemptInterceptors: [(next) => (call) => {
      attempts.push(call.messageId);
      return next(call);
    }],
  });
  const call = scene.client.call("q", "x", { retries: 1 });
  const first = await scene.broker.take("q");
  await scene.transport.lose();
  await answer(scene.broker);
  assert.equal((await within("the call's end", call)).text(), "done");
  const { messageId } = first.properties;
  assert.ok(messageId);
  assert.deepEqual(attempts, [messageId, messageId]);
  assert.deepEqual(log, ["call q", "call over"]);
});

Deno.test("an interceptor sees why a call failed", async () => {
  const log: string[] = [];
  await using scene = calling({ interceptors: [noting(log, "call")] });
  const error = await failure(scene.client.call("missing", "x"));
  assert.equal(error.reason, "no_queue");
  assert.deepEqual(log, ["call missing", "call failed", "call over"]);
});

Deno.test("an interceptor answers by itself: nothing is sent", async () => {
  const reply = new RpcReply(new Uint8Array(3), {}, undefined);
  await using scene = calling({
    interceptors: [() => () => Promise.resolve(reply)],
  });
  assert.equal(await scene.client.call("q", "x"), reply);
  assert.deepEqual(scene.broker.log, ["declare q"]);
});

for (const where of ["interceptors", "attemptInterceptors"] as const) {
  Deno.test(`what ${where} throw fails the call`, async () => {
    const throwing: CallInterceptor = () => () => {
      throw new RpcError("unauthenticated", "no token");
    };
    await using scene = calling({ [where]: [throwing] });
    const error = await failure(scene.client.call("q", "x"));
    assert.equal(error.code, "unauthenticated");
    assert.equal(scene.client.stats.inFlight, 0);
  });
}

Deno.test("a reply that nobody awaits is told", async () => {
  const told = Promise.withResolvers<void>();
  await using scene = calling({ onUnknownReply: told.resolve });
  const call = scene.client.call("q", "x");
  const { properties } = await scene.broker.take("q");
  scene.broker.send(properties.replyTo!, "", { correlationId: "unknown" });
  await within("the unknown reply to be told", told.promise);
  scene.broker.send(properties.replyTo!, "", properties);
  await call;
});

Deno.test("interceptors around a procedure: the first is the outermost", async () => {
  const wrapping =
    (mark: string): ProcedureInterceptor =>
    (next) =>
    async (request, context) => `${mark}${await next(request, context)}${mark}`;
  const scene = new Scene((request) => request.text());
  await using _server = await scene.serve({
    interceptors: [wrapping("a"), wrapping("b")],
  });
  scene.ask("x");
  const { text } = await scene.broker.take(scene.callback);
  assert.equal(text, "abxba");
});

Deno.test("a procedure's interceptor may refuse: it is not run", async () => {
  let runs = 0;
  const scene = new Scene(() => {
    runs++;
  });
  await using _server = await scene.serve({
    interceptors: [() => () => {
      throw new RpcError("permission_denied", "not you");
    }],
  });
  scene.ask("x");
  assert.equal((await scene.problem()).code, "permission_denied");
  assert.equal(runs, 0);
});

Deno.test("a server tells of repeated requests, and that it drains", async () => {
  const scene = new Scene((request) => request.text());
  const server = await scene.serve();
  const headers = { "rpc-deadline": Date.now() + 60_000 };
  scene.ask("x", { messageId: "m", headers });
  await scene.broker.take(scene.callback);
  assert.deepEqual(scene.eventsOf("repeated"), []);
  scene.ask("x", { messageId: "m", headers });
  await scene.broker.take(scene.callback);
  const [repeated, ...others] = scene.eventsOf("repeated");
  assert.equal(repeated?.request.correlationId, "2");
  assert.deepEqual(others, []);
  assert.deepEqual(scene.eventsOf("draining"), []);
  await server.stop();
  assert.equal(scene.eventsOf("draining").length, 1);
});
