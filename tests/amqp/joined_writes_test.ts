// Tests of src/amqp/joined_writes.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { JoinedWrites } from "../../src/amqp/joined_writes.ts";
import { turns } from "../support/within.ts";

/** Adds bytes, as whoever has frames does. */
function add(writes: JoinedWrites, bytes: Uint8Array): void {
  writes.writer.raw(bytes);
  writes.schedule();
}

/** What was written, copied; `done` tells the writer that a write is over. */
function recorded() {
  const written: number[][] = [];
  const buffers: ArrayBufferLike[] = [];
  const done: (() => void)[] = [];
  const writes = new JoinedWrites((bytes) => {
    written.push([...bytes.subarray(0, 1000)]);
    buffers.push(bytes.buffer);
    return new Promise((resolve) => done.push(resolve));
  }, assert.fail);
  return { writes, written, buffers, done };
}

/** The same, where every write is over at once. */
function quick() {
  const written: number[][] = [];
  const writes = new JoinedWrites((bytes) => {
    written.push([...bytes]);
    return Promise.resolve();
  }, assert.fail);
  return { writes, written };
}

Deno.test("the writes of a turn are one, in order", async () => {
  const { writes, written } = quick();
  add(writes, Uint8Array.of(1, 2));
  await Promise.resolve();
  add(writes, Uint8Array.of(3));
  for (let n = 0; n < 20; n++) await Promise.resolve();
  add(writes, Uint8Array.of(4));
  assert.deepEqual(written, []);
  await turns();
  assert.deepEqual(written, [[1, 2, 3, 4]]);
  add(writes, Uint8Array.of(5));
  await turns();
  assert.deepEqual(written, [[1, 2, 3, 4], [5]]);
});

Deno.test("the bytes are copied at once", async () => {
  const { writes, written } = quick();
  const bytes = Uint8Array.of(1);
  add(writes, bytes);
  bytes[0] = 9;
  await turns();
  assert.deepEqual(written, [[1]]);
});

Deno.test("nothing to write is not written", async () => {
  const { writes, written } = quick();
  writes.schedule();
  writes.flush();
  await turns();
  assert.deepEqual(written, []);
});

Deno.test("a write waits for the one before it, and joins what came meanwhile", async () => {
  const { writes, written, done } = recorded();
  for (const byte of [1, 2, 3]) {
    add(writes, Uint8Array.of(byte));
    writes.flush();
  }
  await turns();
  assert.deepEqual(written, [[1]]);
  done[0]!();
  await turns();
  assert.deepEqual(written, [[1], [2, 3]]);
});

Deno.test("a buffer is used again once it is written, not before", async () => {
  const { writes, buffers, done } = recorded();
  const write = async () => {
    add(writes, Uint8Array.of(1));
    writes.flush();
    done.at(-1)!();
    await turns();
    return buffers.at(-1)!;
  };
  const [first, second, third] = [await write(), await write(), await write()];
  assert.notEqual(first, second);
  assert.equal(first, third, "one was in hand when it came back");
});

Deno.test("few buffers are kept, and none that is large", async () => {
  const { writes, buffers, done } = recorded();
  const write = async (size: number) => {
    add(writes, new Uint8Array(size));
    writes.flush();
    done.at(-1)!();
    await turns();
  };
  await write(1_000_000);
  for (let n = 0; n < 10; n++) await write(1);
  const seen = new Set(buffers);
  assert.ok(seen.size <= 4, `${seen.size}`);
  const large = buffers.filter(({ byteLength }) => byteLength >= 1_000_000);
  assert.equal(large.length, 1);
});

Deno.test("bodies of any size, in any order, arrive as they were", async () => {
  const size = fc.oneof(
    fc.integer({ min: 0, max: 50 }),
    fc.constantFrom(65_535, 65_536, 65_537, 262_145, 700_000),
  );
  const step = fc.record({ size, flush: fc.boolean(), done: fc.boolean() });
  const steps = fc.array(step, { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const parts: Uint8Array[] = [];
      let written = () => {};
      const writes = new JoinedWrites((bytes) =>
        new Promise((resolve) => {
          // The system reads the bytes until it says that they are written.
          written = () => {
            parts.push(bytes.slice());
            written = () => {};
            resolve();
          };
        }), assert.fail);
      for (const [n, { size, flush, done }] of steps.entries()) {
        add(writes, new Uint8Array(size).fill(n + 1));
        if (flush) writes.flush();
        if (!done) continue;
        written();
        await turns();
      }
      writes.flush();
      for (let n = 0; n < 3; n++) {
        written();
        await turns();
      }
      const merged = mergeRuns(parts.flatMap((part) => [...runs(part)]));
      const all = steps.map(({ size }, n): [number, number] => [n + 1, size]);
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
  const { writes, written } = quick();
  const unhook = writes.beforeFlush(() => add(writes, Uint8Array.of(9)));
  add(writes, Uint8Array.of(1));
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

Deno.test("a hook that throws keeps nothing from being written", async () => {
  const { writes, written } = quick();
  add(writes, Uint8Array.of(1));
  const unhook = writes.beforeFlush(() => {
    throw new Error("thrown");
  });
  assert.throws(() => writes.flush(), /thrown/);
  unhook();
  await turns();
  add(writes, Uint8Array.of(2));
  await turns();
  assert.deepEqual(written, [[1], [2]]);
});

Deno.test("nothing is written after the end", async () => {
  const { writes, written, done } = recorded();
  add(writes, Uint8Array.of(1));
  writes.flush();
  add(writes, Uint8Array.of(2));
  writes.end();
  done[0]!();
  add(writes, Uint8Array.of(3));
  await turns();
  assert.deepEqual(written, [[1]]);
});

Deno.test("a write that fails is told once, and is the last", async () => {
  const failed: string[] = [];
  let calls = 0;
  const writes = new JoinedWrites(() => {
    calls++;
    return Promise.reject(new Error("broken pipe"));
  }, ({ message }) => failed.push(message));
  add(writes, Uint8Array.of(1));
  await turns();
  add(writes, Uint8Array.of(2));
  await turns();
  assert.deepEqual([failed, calls], [["broken pipe"], 1]);
});

Deno.test("who writes more than is taken has something to wait for", async () => {
  const { writes, done } = recorded();
  const large = new Uint8Array(9 * 1024 * 1024);
  add(writes, large);
  writes.flush();
  assert.equal(writes.drained, undefined);
  add(writes, large);
  writes.flush();
  const { drained } = writes;
  assert.ok(drained);
  done[0]!();
  await turns();
  assert.equal(writes.drained, drained, "9 of 16 MiB are still to be taken");
  done[1]!();
  await drained;
  assert.equal(writes.drained, undefined);
});

Deno.test("too much may be written in one turn", async () => {
  const { writes, done } = recorded();
  for (let n = 0; n < 16; n++) {
    assert.equal(writes.drained, undefined);
    add(writes, new Uint8Array(1024 * 1024 + 1));
  }
  const { drained } = writes;
  assert.ok(drained, "at once, not at the end of the turn");
  await turns();
  done[0]!();
  await drained;
});

Deno.test("what is not written any more is not waited for", async () => {
  const { writes, done } = recorded();
  add(writes, new Uint8Array(17 * 1024 * 1024));
  writes.flush();
  const { drained } = writes;
  assert.ok(drained);
  writes.end();
  await drained;
  done[0]!();
  await turns();
  assert.equal(writes.drained, undefined);
});
