// Tests of src/rpc/serving/admission.ts and src/rpc/serving/request_limits.ts, through a server.

import assert from "node:assert/strict";
import type { RpcError } from "../../../src/rpc/errors.ts";
import { overLimit } from "../../../src/rpc/serving/request_limits.ts";
import type { MessageProperties } from "../../../src/rpc/messages.ts";
import { decodeRequest } from "../../../src/rpc/wire.ts";
import { Scene } from "../../support/serving.ts";

const LIMITS = {
  maxBodyBytes: 10,
  maxDeliveries: 5,
  maxHeaderBytes: 60,
  maxHeaders: 3,
};

/** The error of a request over a limit. */
function over(properties: MessageProperties, body = ""): RpcError | undefined {
  const delivery = {
    properties,
    body: new TextEncoder().encode(body),
    deliveryTag: 1,
    redelivered: true,
  };
  return overLimit(decodeRequest(delivery, "q", Date.now()), LIMITS);
}

Deno.test("what is just within the limits is run", () => {
  assert.equal(over({}), undefined);
  assert.equal(
    over({ headers: { a: 1, b: 2, c: 3 } }, "x".repeat(10)),
    undefined,
  );
  assert.equal(over({ headers: { "x-delivery-count": 5 } }), undefined);
});

Deno.test("a request delivered too often is answered with aborted", () => {
  const error = over({ headers: { "x-delivery-count": 6 } });
  assert.equal(error?.code, "aborted");
  assert.match(error.message, /delivered 6 times/);
});

const OVER: [string, MessageProperties, string, string][] = [
  [
    "body",
    {},
    "x".repeat(11),
    "a request of 11 bytes: the server's limit is 10",
  ],
  [
    "header count",
    { headers: { a: 1, b: 2, c: 3, d: 4 } },
    "",
    "4 headers: the server's limit is 3",
  ],
  [
    "nested header count",
    { headers: { a: { b: [1, 2] } } },
    "",
    "4 headers: the server's limit is 3",
  ],
  [
    "header size",
    { headers: { a: "x".repeat(60) } },
    "",
    "headers of 67 bytes: the server's limit is 60",
  ],
];

for (const [what, properties, body, message] of OVER) {
  Deno.test(`the answer names the limit, and what was found: ${what}`, () => {
    const error = over(properties, body);
    assert.deepEqual([error?.code, error?.message], [
      "resource_exhausted",
      message,
    ]);
  });
}

Deno.test("a request over a limit is answered without being run", async () => {
  const scene = new Scene((request) => `ran ${request.text()}`);
  await using _server = await scene.serve({ maxBodyBytes: 4, maxHeaders: 1 });
  scene.ask("small");
  assert.equal((await scene.problem()).code, "resource_exhausted");
  scene.ask("fine", { headers: { a: 1, b: 2 } });
  assert.match((await scene.problem()).detail, /^2 headers: .* limit is 1$/);
  await scene.broker.seen("drop 2");
  scene.ask("fine");
  assert.equal((await scene.broker.take(scene.callback)).text, "ran fine");
  assert.equal(scene.eventsOf("request").length, 1);
  const codes = scene.eventsOf("answered").map(({ error }) => error?.code);
  assert.deepEqual(codes, [
    "resource_exhausted",
    "resource_exhausted",
    undefined,
  ]);
});

Deno.test("a reply over the limit becomes an error", async () => {
  const scene = new Scene((request) => request.text());
  await using _server = await scene.serve({ maxReplyBytes: 8 });
  scene.ask("ä".repeat(4));
  assert.equal((await scene.broker.take(scene.callback)).text, "ä".repeat(4));
  scene.ask("ä".repeat(4) + "x");
  const { code, detail } = await scene.problem();
  assert.equal(code, "resource_exhausted");
  assert.equal(
    detail,
    "a reply of 9 bytes: the server's limit is 8",
  );
  await scene.broker.seen("ack 2");
  assert.equal(scene.eventsOf("answered")[1]?.error?.code, code);
});

Deno.test("a one-way request has no reply that could be too large", async () => {
  const scene = new Scene(() => "more than a byte");
  await using _server = await scene.serve({ maxReplyBytes: 1 });
  scene.ask("", { replyTo: undefined });
  await scene.broker.seen("ack 1");
  assert.equal(scene.eventsOf("answered")[0]?.error, undefined);
});

for (const name of ["CC", "BCC"]) {
  Deno.test(`a reply can't have copies sent elsewhere: ${name}`, async () => {
    const headers = { [name]: ["elsewhere"] };
    const scene = new Scene(() => ({ body: "x", headers }));
    await using _server = await scene.serve();
    scene.ask("");
    const { code, detail } = await scene.problem();
    assert.equal(code, "internal");
    assert.match(detail, new RegExp(`must not have "${name}"`));
  });
}
