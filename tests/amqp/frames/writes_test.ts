// Tests of src/amqp/frames/writes.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { JoinedWrites } from "../../../src/amqp/frames/writes.ts";
import { turns } from "../../support/within.ts";

/** What was written, copied; `done` tells the writer that a write is over. */
function recorded() {
  const written: number[][] = [];
  const buffers: ArrayBufferLike[] = [];
  const done: (() => void)[] = [];
  const writes = new JoinedWrites((bytes, onWritten) => {
    written.push([...bytes]);
    buffers.push(bytes.buffer);
    done.push(onWritten);
  });
  return { writes, written, buffers, done };
}

Deno.test("the writes of a turn are one, in order", async () => {
  const { writes, written } = recorded();
  writes.add(Uint8Array.of(1, 2));
  await Promise.resolve();
  writes.add(Uint8Array.of(3));
  for (let n = 0; n < 20; n++) await Promise.resolve();
  writes.add(Uint8Array.of(4));
  assert.deepEqual(written, []);
  await turns();
  assert.deepEqual(written, [[1, 2, 3, 4]]);
  writes.add(Uint8Array.of(5));
  await turns();
  assert.deepEqual(written, [[1, 2, 3, 4], [5]]);
});

Deno.test("the bytes are copied at once", async () => {
  const { writes, written } = recorded();
  const bytes = Uint8Array.of(1);
  writes.add(bytes);
  bytes[0] = 9;
  await turns();
  assert.deepEqual(written, [[1]]);
});

Deno.test("nothing to write is not written", async () => {
  const { writes, written } = recorded();
  writes.schedule();
  writes.flush();
  await turns();
  assert.deepEqual(written, []);
});

Deno.test("a buffer is used again once it is written, not before", () => {
  const { writes, buffers, done } = recorded();
  const write = () => {
    writes.add(Uint8Array.of(1));
    writes.flush();
    return buffers.at(-1)!;
  };
  const [first, second] = [write(), write()];
  assert.notEqual(first, second);
  done[0]();
  // One was in hand already when the first came back.
  write();
  assert.equal(write(), first);
});

Deno.test("few buffers are kept, and none that is large", () => {
  const { writes, buffers, done } = recorded();
  const write = (size: number) => {
    writes.add(new Uint8Array(size));
    writes.flush();
  };
  write(1_000_000);
  for (let n = 0; n < 10; n++) write(1);
  for (const each of done.splice(0)) each();
  const seen = new Set(buffers.splice(0));
  for (let n = 0; n < 10; n++) write(1);
  const again = buffers.filter((buffer) => seen.has(buffer));
  assert.ok(again.length <= 2);
  assert.ok(again.every(({ byteLength }) => byteLength < 1_000_000));
});

Deno.test("bodies of any size, in any order, arrive as they were", () => {
  const size = fc.oneof(
    fc.integer({ min: 0, max: 50 }),
    fc.constantFrom(65_535, 65_536, 65_537, 262_145, 700_000),
  );
  const step = fc.record({ size, flush: fc.boolean(), done: fc.boolean() });
  const steps = fc.array(step, { maxLength: 12 });
  fc.assert(
    fc.property(steps, (steps) => {
      const expected: number[] = [];
      const parts: Uint8Array[] = [];
      const waiting: (() => void)[] = [];
      const writes = new JoinedWrites((bytes, onWritten) => {
        parts.push(bytes);
        // The socket reads the bytes until it says that they are written.
        waiting.push(() => {
          parts[parts.indexOf(bytes)] = bytes.slice();
          onWritten();
        });
      });
      steps.forEach(({ size, flush, done }, n) => {
        writes.add(new Uint8Array(size).fill(n + 1));
        expected.push(size);
        if (flush) writes.flush();
        if (done) waiting.shift()?.();
      });
      writes.flush();
      for (const written of waiting) written();
      const joined = parts.flatMap((part) => [...runs(part)]);
      const merged = mergeRuns(joined);
      const all = expected.map((size, n): [number, number] => [n + 1, size]);
      assert.deepEqual(merged, all.filter(([, size]) => size > 0));
    }),
    { numRuns: 50 },
  );
});

/** Bytes as runs of [value, length]. */
function* runs(bytes: Uint8Array): Generator<[number, number]> {
  for (let start = 0; start < bytes.length;) {
    let end = start;
    while (end < bytes.length && bytes[end] === bytes[start]) end++;
    yield [bytes[start], end - start];
    start = end;
  }
}

function mergeRuns(list: [number, number][]): [number, number][] {
  const merged: [number, number][] = [];
  for (const [value, length] of list) {
    const last = merged.at(-1);
    if (last?.[0] === value) last[1] += length;
    else merged.push([value, length]);
  }
  return merged;
}

Deno.test("hooks run before each flush and may add to it", async () => {
  const { writes, written } = recorded();
  const unhook = writes.beforeFlush(() => writes.add(Uint8Array.of(9)));
  writes.add(Uint8Array.of(1));
  await turns();
  writes.schedule();
  await turns();
  assert.deepEqual(written, [[1, 9], [9]], "and each needs one turn");
  unhook();
  writes.schedule();
  await turns();
  assert.equal(written.length, 2);
});

Deno.test("unhooking twice takes no other's hook", () => {
  const { writes } = recorded();
  const ran: string[] = [];
  const unhook = writes.beforeFlush(() => ran.push("one"));
  writes.beforeFlush(() => ran.push("other"));
  unhook();
  unhook();
  writes.flush();
  assert.deepEqual(ran, ["other"]);
});

Deno.test("a hook that unhooks itself costs no other its turn", () => {
  const { writes } = recorded();
  const ran: string[] = [];
  const unhook = writes.beforeFlush(() => {
    ran.push("one");
    unhook();
  });
  writes.beforeFlush(() => ran.push("other"));
  writes.flush();
  assert.deepEqual(ran, ["one", "other"]);
});

Deno.test("what is discarded is not written", async () => {
  const { writes, written } = recorded();
  writes.add(Uint8Array.of(1));
  writes.discard();
  await turns();
  assert.deepEqual(written, []);
  writes.add(Uint8Array.of(2));
  await turns();
  assert.deepEqual(written, [[2]]);
});

Deno.test("what is added after a flush, or instead of what is discarded, is written once", async () => {
  const { writes, written } = recorded();
  writes.add(Uint8Array.of(1));
  writes.flush();
  writes.add(Uint8Array.of(2));
  writes.discard();
  writes.add(Uint8Array.of(3));
  await turns();
  assert.deepEqual(written, [[1], [3]]);
});

Deno.test("a hook that throws keeps nothing from being written", async () => {
  const { writes, written } = recorded();
  writes.add(Uint8Array.of(1));
  const unhook = writes.beforeFlush(() => {
    throw new Error("thrown");
  });
  assert.throws(() => writes.flush(), /thrown/);
  unhook();
  writes.add(Uint8Array.of(2));
  await turns();
  assert.deepEqual(written, [[1], [2]]);
});

Deno.test("who writes more than is taken has something to wait for", async () => {
  const { writes, done } = recorded();
  const large = new Uint8Array(9 * 1024 * 1024);
  writes.add(large);
  writes.flush();
  assert.equal(writes.drained, undefined);
  writes.add(large);
  writes.flush();
  const { drained } = writes;
  assert.ok(drained);
  done[0]();
  assert.equal(writes.drained, drained, "9 of 16 MiB are still to be taken");
  done[1]();
  assert.equal(writes.drained, undefined);
  await drained;
});

Deno.test("what is discarded is not waited for", async () => {
  const { writes, done } = recorded();
  writes.add(new Uint8Array(17 * 1024 * 1024));
  writes.flush();
  const { drained } = writes;
  writes.discard();
  await drained;
  done[0]();
  assert.equal(writes.drained, undefined);
});
