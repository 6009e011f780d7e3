// Tests of src/amqp/loss.ts.

import assert from "node:assert/strict";
import { Loss } from "../../src/amqp/loss.ts";
import { turns } from "../support/within.ts";

const CAUSE = new Error("cut");

Deno.test("those who listen are told once, in order", async () => {
  const loss = new Loss();
  const told: string[] = [];
  loss.listen(({ message }) => told.push(`first ${message}`));
  const stop = loss.listen(() => told.push("stopped"));
  loss.listen(() => told.push("last"));
  stop();
  loss.happen(CAUSE);
  assert.deepEqual(told, ["first cut", "last"]);
  assert.equal(await loss.promise, CAUSE);
});

Deno.test("who listens after the loss is told soon, unless it stops", async () => {
  const loss = new Loss();
  loss.happen(CAUSE);
  const told: string[] = [];
  loss.listen(() => told.push("late"));
  loss.listen(() => told.push("stopped"))();
  assert.deepEqual(told, []);
  await turns();
  assert.deepEqual(told, ["late"]);
});
