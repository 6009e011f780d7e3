// Tests of src/async/queue.ts.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import fc from "fast-check";
import { AsyncQueue } from "../../src/async/queue.ts";

async function readAll<T>(queue: AsyncQueue<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

Deno.test("what was pushed before the end is read, in order", async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.push(2);
  queue.end();
  queue.push(3);
  assert.deepEqual(await readAll(queue), [1, 2]);
});

Deno.test("a reader that waits gets the next item, then the end", async () => {
  const queue = new AsyncQueue<string>();
  const first = queue.next();
  queue.push("a");
  assert.deepEqual(await first, { value: "a", done: false });
  const second = queue.next();
  queue.end();
  assert.deepEqual(await second, { value: undefined, done: true });
});

Deno.test("an error comes after the items, once", async () => {
  const queue = new AsyncQueue<number>();
  const error = new Error("lost");
  queue.push(1);
  queue.end(error);
  queue.end(new Error("another"));
  assert.deepEqual(await queue.next(), { value: 1, done: false });
  await assert.rejects(queue.next(), error);
  assert.deepEqual(await queue.next(), { value: undefined, done: true });
});

Deno.test("a reader that waits hears the error", async () => {
  const queue = new AsyncQueue<number>();
  const reading = readAll(queue);
  queue.end(new Error("lost"));
  await assert.rejects(reading, /lost/);
});

Deno.test("an error that nobody reads harms nobody", async () => {
  const queue = new AsyncQueue<number>();
  queue.end(new Error("lost"));
  // An unhandled rejection would show within a turn and fail the test run.
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await queue.return(), { value: undefined, done: true });
});

Deno.test("a reader that leaves its loop ends the queue", async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.push(2);
  for await (const item of queue) {
    assert.equal(item, 1);
    break;
  }
  queue.push(3);
  assert.deepEqual(await readAll(queue), []);
});

Deno.test("pushes and reads in any order keep the order of items", async () => {
  const steps = fc.array(fc.boolean(), { maxLength: 60 });
  await fc.assert(fc.asyncProperty(steps, async (pushes) => {
    const queue = new AsyncQueue<number>();
    const read: Promise<IteratorResult<number>>[] = [];
    let pushed = 0;
    for (const push of pushes) {
      if (push) queue.push(pushed++);
      // One reader: it asks again only when it has been answered.
      else if (read.length <= pushed) read.push(queue.next());
      if (!push) await Promise.resolve();
      if (read.length > pushed) queue.push(pushed++);
    }
    queue.end();
    const seen = (await Promise.all(read)).map(({ value }) => value);
    const all = [...seen, ...await readAll(queue)];
    assert.deepEqual(all, Array.from({ length: pushed }, (_, n) => n));
  }));
});
