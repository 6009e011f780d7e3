// Tests of src/rpc/errors.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { isRpcCode, RPC_CODES, RpcError } from "../../src/rpc/errors.ts";

Deno.test("an RpcError keeps what it is given, and has defaults", () => {
  const cause = new Error("why");
  const error = new RpcError("aborted", "it went wrong", {
    reason: "rejected",
    maybeExecuted: true,
    remote: true,
    details: { n: 1 },
    cause,
  });
  assert.ok(error instanceof Error);
  assert.equal(error.name, "RpcError");
  assert.equal(error.code, "aborted");
  assert.equal(error.message, "it went wrong");
  assert.equal(error.reason, "rejected");
  assert.equal(error.maybeExecuted, true);
  assert.equal(error.remote, true);
  assert.deepEqual(error.details, { n: 1 });
  assert.equal(error.cause, cause);

  const plain = new RpcError("internal", "x");
  assert.equal(plain.maybeExecuted, false);
  assert.equal(plain.remote, false);
  assert.deepEqual(plain.details, {});
  assert.equal(plain.reason, undefined);
  assert.equal("cause" in plain, false);
});

Deno.test("from() leaves an RpcError as it is", () => {
  const error = new RpcError("not_found", "x");
  assert.equal(RpcError.from(error), error);
});

Deno.test("from() maps aborts and time-outs, and all else to internal", () => {
  const controller = new AbortController();
  controller.abort();
  const abort = RpcError.from(controller.signal.reason);
  assert.equal(abort.code, "canceled");
  const timeout = RpcError.from(new DOMException("late", "TimeoutError"));
  assert.equal(timeout.code, "deadline_exceeded");
  assert.equal(timeout.message, "late");
  const cause = new TypeError("x is undefined");
  const internal = RpcError.from(cause);
  assert.equal(internal.code, "internal");
  assert.equal(internal.message, "x is undefined");
  assert.equal(internal.cause, cause);
  assert.equal(RpcError.from(new RangeError()).message, "RangeError");
});

Deno.test("from() keeps the text of what is no Error", () => {
  assert.equal(RpcError.from("no such user").message, "no such user");
  assert.equal(RpcError.from(undefined).message, "undefined");
  assert.equal(RpcError.from(42).code, "internal");
});

Deno.test("from() takes whatever can be thrown", () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withNullPrototype: true,
  });
  fc.assert(fc.property(anything, (thrown) => {
    const error = RpcError.from(thrown);
    assert.ok(error instanceof RpcError);
    assert.equal(typeof error.message, "string");
  }));
});

Deno.test("from() takes objects that can't be made text", () => {
  const unprintable = [
    Object.create(null),
    Symbol("s"),
    {
      toString(): string {
        throw new Error("no text");
      },
    },
  ];
  for (const thrown of unprintable) {
    assert.equal(RpcError.from(thrown).code, "internal");
  }
});

Deno.test("isRpcCode() knows the codes and nothing else", () => {
  for (const code of Object.keys(RPC_CODES)) assert.ok(isRpcCode(code));
  for (const other of ["", "INTERNAL", "toString", "__proto__", 13, null]) {
    assert.equal(isRpcCode(other), false);
  }
});

Deno.test("what the system is out of for the moment is unavailable", () => {
  for (const code of ["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"]) {
    const thrown = Object.assign(new Error("Too many open files"), { code });
    const error = RpcError.from(thrown);
    assert.deepEqual([error.code, error.cause], ["unavailable", thrown]);
  }
  const odd = Object.assign(new Error("no"), { code: "EACCES" });
  assert.equal(RpcError.from(odd).code, "internal");
});
