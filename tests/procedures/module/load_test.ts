// Tests of src/procedures/module/load.ts: what of a module is called for what.

import assert from "node:assert/strict";
import { procedureOf } from "../../../src/procedures/module/load.ts";
import { RpcError } from "../../../src/rpc/errors.ts";
import type { RpcContext } from "../../../src/rpc/procedure.ts";
import { decodeRequest } from "../../../src/rpc/wire.ts";

const context: RpcContext = {
  signal: new AbortController().signal,
  deadlineMs: Infinity,
  request: decodeRequest(
    {
      properties: {},
      body: new Uint8Array(),
      deliveryTag: 1,
      redelivered: false,
    },
    "q",
    0,
  ),
  progress() {},
};

/** What a module with these exports answers to a request of this type. */
async function answer(
  exports: Record<string, unknown>,
  type = "",
): Promise<unknown> {
  const body = new TextEncoder().encode("in");
  const properties = { type };
  const delivery = { properties, body, deliveryTag: 1, redelivered: false };
  const procedure = procedureOf(exports);
  assert.ok(procedure);
  return await procedure(decodeRequest(delivery, "q", Date.now()), context);
}

async function failure(
  exports: Record<string, unknown>,
  type?: string,
): Promise<RpcError> {
  try {
    return assert.fail(`answered ${await answer(exports, type)}`);
  } catch (error) {
    return RpcError.from(error);
  }
}

const thrower = (thrown: unknown) => () => {
  throw thrown;
};

Deno.test("a default export alone answers requests of every type", async () => {
  const exports = {
    default: (request: { type: string }) => `<${request.type}>`,
  };
  assert.equal(await answer(exports), "<>");
  assert.equal(await answer(exports, "any"), "<any>");
  assert.equal(await answer(exports, "default"), "<default>");
});

Deno.test("the type chooses among the functions that are exported", async () => {
  const exports = {
    a: () => "A",
    b: () => "B",
    number: 3,
    object: {},
    Thing: class {},
  };
  assert.equal(await answer(exports, "a"), "A");
  assert.equal(await answer(exports, "b"), "B");
  for (const type of ["number", "object", "Thing", "toString", "__proto__"]) {
    const { code, message } = await failure(exports, type);
    assert.deepEqual([code, message], [
      "unimplemented",
      `unknown method "${type}"; available: a, b`,
    ]);
  }
  const { code, message } = await failure(exports);
  assert.equal(code, "unimplemented");
  assert.match(
    message,
    /^the request names no method in its type; available:/,
  );
});

Deno.test("beside methods the default export gets what has no type", async () => {
  const exports = { default: () => "D", a: () => "A" };
  assert.equal(await answer(exports), "D");
  assert.equal(await answer(exports, "a"), "A");
  for (const type of ["b", "default"]) {
    assert.equal((await failure(exports, type)).code, "unimplemented");
  }
});

Deno.test("a module without a function is none to serve", () => {
  for (const exports of [{}, { default: 5 }, { default: class {}, a: "b" }]) {
    assert.equal(procedureOf(exports), undefined);
  }
});

Deno.test("of very many methods some are named", async () => {
  const names = Array.from({ length: 60 }, (_, n) => `m${n}`);
  const exports = Object.fromEntries(names.map((name) => [name, () => name]));
  const { message } = await failure(exports, "x");
  assert.ok(message.endsWith("m48, m49, ..."), message);
});

Deno.test("an error with one of our codes keeps it, and its details", async () => {
  const coded = Object.assign(new Error("no user 7"), {
    code: "not_found",
    details: { user: 7 },
  });
  for (const handler of [thrower(coded), () => Promise.reject(coded)]) {
    const { code, message, details } = await failure({ default: handler });
    assert.deepEqual([code, message, details], [
      "not_found",
      "no user 7",
      { user: 7 },
    ]);
  }
  const ours = new RpcError("aborted", "x");
  assert.equal(await failure({ default: thrower(ours) }), ours);
  const others = [
    new Error("x"),
    Object.assign(new Error("x"), { code: "ENOENT" }),
    { code: "not_found" },
  ];
  for (const other of others) {
    assert.equal((await failure({ default: thrower(other) })).code, "internal");
  }
});
