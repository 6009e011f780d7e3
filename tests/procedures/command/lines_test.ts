// Tests of src/procedures/command/lines.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Line, lines } from "../../../src/procedures/command/lines.ts";

const encoder = new TextEncoder();

async function* stream(chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield encoder.encode(chunk);
}

async function split(chunks: string[], maxBytes: number): Promise<Line[]> {
  return await Array.fromAsync(lines(stream(chunks), maxBytes));
}

function whole(text: string): Line {
  return { text, cut: false, malformed: false };
}

function cut(text: string): Line {
  return { text, cut: true, malformed: false };
}

Deno.test("lines end at newlines, and at the end", async () => {
  assert.deepEqual(await split([], 9), []);
  assert.deepEqual(await split(["a\n"], 9), [whole("a")]);
  assert.deepEqual(await split(["a"], 9), [whole("a")]);
  assert.deepEqual(await split(["\n\n"], 9), [whole(""), whole("")]);
  const pieces = ["on", "e\ntw", "", "o", "\n\nthree"];
  const texts = ["one", "two", "", "three"];
  assert.deepEqual(await split(pieces, 9), texts.map(whole));
});

Deno.test("a line that is too long is cut, and the next is whole", async () => {
  assert.deepEqual(await split(["123\n"], 3), [whole("123")]);
  assert.deepEqual(await split(["1234\nab\n"], 3), [cut("123"), whole("ab")]);
  const pieces = ["12", "34", "56", "7\na", "b"];
  assert.deepEqual(await split(pieces, 3), [cut("123"), whole("ab")]);
  assert.deepEqual(await split(["123", "4"], 3), [cut("123")]);
});

Deno.test("a line that never ends is told of at once", async () => {
  let read = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    while (read++ < 1000) yield encoder.encode("x");
  }
  const { value } = await lines(endless(), 10).next();
  assert.deepEqual(value, cut("x".repeat(10)));
  assert.equal(read, 11);
});

Deno.test("a line that is no UTF-8 is known as such", async () => {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(0x61, 0xff, 10, 0xc3);
    yield Uint8Array.of(0xa9, 10);
  }
  assert.deepEqual(await Array.fromAsync(lines(bytes(), 9)), [
    { text: "a\ufffd", cut: false, malformed: true },
    whole("é"),
  ]);
});

Deno.test("chunks do not matter", async () => {
  const chunk = fc.string({ unit: fc.constantFrom("a", "b", "\n") });
  await fc.assert(fc.asyncProperty(
    fc.array(chunk),
    fc.integer({ min: 1, max: 5 }),
    async (chunks, maxBytes) => {
      const text = chunks.join("");
      const expected = text.split("\n");
      if (expected.at(-1) === "") expected.pop();
      assert.deepEqual(
        await split(chunks, maxBytes),
        expected.map((line) =>
          line.length > maxBytes ? cut(line.slice(0, maxBytes)) : whole(line)
        ),
      );
    },
  ));
});
