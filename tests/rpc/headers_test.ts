// Tests of src/rpc/headers.ts.

import assert from "node:assert/strict";
import { checkHeaders, headerSize } from "../../src/rpc/headers.ts";
import type { HeaderValue, MessageHeaders } from "../../src/rpc/messages.ts";

Deno.test("no headers are nothing", () => {
  assert.deepEqual(headerSize({}), { count: 0, bytes: 0 });
});

Deno.test("names count in bytes, values by what they take", () => {
  // A length and "ä", then type, length and text.
  assert.deepEqual(headerSize({ ä: "äb" }), { count: 1, bytes: 3 + 5 + 3 });
  for (const scalar of [1, 1n, true, null, undefined, new Date(0)]) {
    assert.deepEqual(headerSize({ a: scalar }), { count: 1, bytes: 2 + 9 });
  }
  const bytes = new Uint8Array(7);
  assert.deepEqual(headerSize({ a: bytes }), { count: 1, bytes: 2 + 5 + 7 });
});

Deno.test("what is nested counts as well", () => {
  const headers = { a: { b: [true, { c: "" }], d: 1 } };
  // a, b, true, the table in the array, c, d
  assert.equal(headerSize(headers).count, 6);
  const bytes = 3 * 2 + 2 + 3 * 5 + 9 + 5 + 9;
  assert.equal(headerSize(headers).bytes, bytes);
});

Deno.test("no depth and no length is too much", () => {
  let deep: HeaderValue = "";
  for (let n = 0; n < 100_000; n++) deep = n % 2 ? [deep] : { a: deep };
  assert.equal(headerSize({ deep }).count, 100_001);
  const long = new Array(200_000).fill(1);
  assert.equal(headerSize({ long }).count, 200_001);
});

Deno.test("headers that RabbitMQ takes are taken", () => {
  const headers = { a: 1.5, b: [2n, null], c: { CC: "nested", d: new Date() } };
  assert.equal(checkHeaders(headers), headers);
});

Deno.test("a bigint has to fit 64 bits", () => {
  const most = { a: 2n ** 63n - 1n, b: [-(2n ** 63n)] };
  assert.equal(checkHeaders(most), most);
  for (const bad of [2n ** 63n, -(2n ** 63n) - 1n]) {
    const message = `a bigint in headers must fit 64 bits with a sign, ` +
      `"x" has ${bad}`;
    assert.throws(() => checkHeaders({ x: [bad] }), new RangeError(message));
  }
});

Deno.test("what is no header is refused, not sent as something else", () => {
  const values = [new Map([["a", 1]]), new Set(), () => {}, Symbol("s")];
  for (const value of [...values, Promise.resolve(), /x/, new Error("x")]) {
    for (const headers of [{ x: value }, { x: { y: [value] } }]) {
      assert.throws(
        () => checkHeaders(headers as MessageHeaders),
        (error: Error) =>
          error instanceof TypeError &&
          /^the header "x" can't be sent: it is an? /.test(error.message),
      );
    }
  }
  assert.throws(() => checkHeaders({ x: new Date(NaN) }), RangeError);
});

Deno.test("headers are an object of names and values", () => {
  const values = [new Map(), new Headers(), [["a", 1]], "a: 1", 5, null];
  for (const value of values) {
    assert.throws(
      () => checkHeaders(value as never),
      (error: Error) =>
        error instanceof TypeError &&
        /^headers must be an object of names/.test(error.message),
    );
  }
  const plain = Object.create(null);
  assert.equal(checkHeaders(plain), plain);
});

Deno.test("headers that send copies are refused", () => {
  for (const name of ["CC", "BCC"]) {
    const message = new RegExp(`must not have "${name}"`);
    assert.throws(() => checkHeaders({ [name]: [] }), message);
  }
});

Deno.test("numbers that are not finite are refused, wherever they are", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    for (const headers of [{ x: bad }, { x: [bad] }, { x: { y: [bad] } }]) {
      const message = `numbers in headers must be finite, "x" has ${bad}`;
      assert.throws(() => checkHeaders(headers), new RangeError(message));
    }
  }
});
