// Tests of src/async/broadcast.ts.

import assert from "node:assert/strict";
import { Broadcast } from "../../src/async/broadcast.ts";

Deno.test("each reader hears what was told since it listens", async () => {
  const broadcast = new Broadcast<number>();
  broadcast.emit(1);
  const early = broadcast.listen();
  broadcast.emit(2);
  const late = broadcast.listen();
  broadcast.emit(3);
  broadcast.end();
  assert.deepEqual(await Array.fromAsync(early), [2, 3]);
  assert.deepEqual(await Array.fromAsync(late), [3]);
});

Deno.test("a reader that left costs nothing and ends nobody", async () => {
  const broadcast = new Broadcast<number>();
  const leaving = broadcast.listen();
  const staying = broadcast.listen();
  broadcast.emit(1);
  for await (const _ of leaving) break;
  broadcast.emit(2);
  broadcast.end();
  assert.deepEqual(await Array.fromAsync(leaving), []);
  assert.deepEqual(await Array.fromAsync(staying), [1, 2]);
});
