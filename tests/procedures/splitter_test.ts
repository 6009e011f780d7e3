// Tests of src/procedures/splitter.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Splitter } from "../../src/procedures/splitter.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NEWLINE = 10;

function split(chunks: string[], maxBytes?: number): string[] {
  const splitter = new Splitter(NEWLINE, maxBytes);
  const records = chunks.flatMap((chunk) => [
    ...splitter.split(encoder.encode(chunk)),
  ]);
  return [...records, ...splitter.rest()].map((it) => decoder.decode(it));
}

Deno.test("records end at separators, and at the end of the stream", () => {
  assert.deepEqual(split([]), []);
  assert.deepEqual(split(["a\n\nb"]), ["a", "", "b"]);
  assert.deepEqual(split(["on", "e\ntw", "", "o\n"]), ["one", "two"]);
});

Deno.test("of a record that is too long, one byte more than allowed is given", () => {
  assert.deepEqual(split(["123\n1234\n5"], 3), ["123", "1234", "5"]);
  assert.deepEqual(split(["12", "3456", "7\na"], 3), ["1234", "a"]);
  assert.deepEqual(split(["1234567"], 3), ["1234"]);
});

Deno.test("a record that is too long is given before its end", () => {
  const splitter = new Splitter(NEWLINE, 3);
  assert.equal([...splitter.split(encoder.encode("12345"))].length, 1);
  assert.equal([...splitter.split(encoder.encode("678"))].length, 0);
});

Deno.test("chunks make no difference", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "\n") });
  const max = fc.integer({ min: 0, max: 4 });
  fc.assert(fc.property(fc.array(text), max, (chunks, maxBytes) => {
    const lines = chunks.join("").split("\n");
    if (lines.at(-1) === "") lines.pop();
    const expected = lines.map((line) => line.slice(0, maxBytes + 1));
    assert.deepEqual(split(chunks, maxBytes), expected);
  }));
});
