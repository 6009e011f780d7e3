// Tests of src/procedures/module/guarded.ts.

import assert from "node:assert/strict";
import { guarded, type Run } from "../../../src/procedures/module/guarded.ts";
import { UncaughtErrors } from "../../../src/procedures/module/uncaught.ts";
import type { RpcContext } from "../../../src/rpc/procedure.ts";
import { RpcError } from "../../../src/rpc/errors.ts";
import type { RpcRequest } from "../../../src/rpc/messages.ts";

const REQUEST = {} as RpcRequest;
const CONTEXT = {} as RpcContext;

async function itemsOf(
  uncaught: UncaughtErrors<Run>,
  generate: () => AsyncIterable<number>,
): Promise<AsyncIterable<number>> {
  const result = await guarded(generate, uncaught)(REQUEST, CONTEXT);
  return result as AsyncIterable<number>;
}

Deno.test("a stream keeps nothing of the items that it gave", async () => {
  using uncaught = new UncaughtErrors<Run>(() => {});
  const items = await itemsOf(uncaught, async function* () {
    for (let n = 0; n < 200_000; n++) yield n;
  });
  const before = Deno.memoryUsage().heapUsed;
  let count = 0;
  for await (const _item of items) count++;
  assert.equal(count, 200_000);
  // With 500 bytes for each it would be 100 MB; garbage is counted, too.
  const grown = Deno.memoryUsage().heapUsed - before;
  assert.ok(grown < 60_000_000, `${grown} bytes more`);
});

Deno.test("an uncaught error fails the item that is awaited", async () => {
  const failure = new RpcError("internal", "uncaught");
  using uncaught = new UncaughtErrors<Run>((_, run) => run?.fail(failure));
  const items = await itemsOf(uncaught, async function* () {
    yield 1;
    setTimeout(() => {
      throw new Error("in a timer");
    });
    await new Promise(() => {});
  });
  const reading = items[Symbol.asyncIterator]();
  assert.deepEqual(await reading.next(), { value: 1, done: false });
  await assert.rejects(reading.next(), failure);
});
