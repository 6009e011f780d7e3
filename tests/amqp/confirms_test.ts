// Tests of src/amqp/confirms.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Confirms } from "../../src/amqp/confirms.ts";
import { RpcError } from "../../src/rpc/errors.ts";

const refusal = new RpcError("resource_exhausted", "refused");

function collect() {
  const confirms = new Confirms();
  const outcomes = new Map<number, string>();
  let published = 0;
  const publish = () => {
    const tag = ++published;
    const note = (outcome: string) => {
      assert.equal(outcomes.has(tag), false, `${tag} was told twice`);
      outcomes.set(tag, outcome);
    };
    confirms.add({
      confirmed: () => note("confirmed"),
      failed: (error) => note(error.message),
    });
    return tag;
  };
  return { confirms, outcomes, publish };
}

Deno.test("each message hears of its confirm, alone or with others", () => {
  const { confirms, outcomes, publish } = collect();
  for (let n = 0; n < 5; n++) publish();
  confirms.settle(2, false);
  assert.deepEqual([...outcomes.keys()], [2]);
  confirms.settle(4, true);
  assert.deepEqual([...outcomes.keys()], [2, 1, 3, 4]);
  confirms.settle(5, false, refusal);
  assert.equal(outcomes.get(5), "refused");
});

Deno.test("a confirm that comes twice, or for nothing, is ignored", () => {
  const { confirms, outcomes, publish } = collect();
  publish();
  for (const multiple of [true, false]) {
    confirms.settle(1, multiple);
    confirms.settle(99, multiple);
  }
  assert.deepEqual([...outcomes], [[1, "confirmed"]]);
  publish();
  confirms.settle(2, false);
  assert.equal(outcomes.get(2), "confirmed");
});

Deno.test("failAll() tells all that wait, and empty() resolves then", async () => {
  const { confirms, outcomes, publish } = collect();
  await confirms.empty();
  publish();
  publish();
  confirms.settle(1, false);
  let empty = false;
  const waiting = confirms.empty().then(() => empty = true);
  await Promise.resolve();
  assert.equal(empty, false);
  confirms.failAll(refusal);
  await waiting;
  assert.deepEqual([...outcomes.values()], ["confirmed", "refused"]);
});

Deno.test("thousands of messages, confirmed in any order, are each told once", () => {
  const order = fc.shuffledSubarray(
    Array.from({ length: 3000 }, (_, n) => n + 1),
    { minLength: 2500 },
  );
  fc.assert(
    fc.property(order, fc.boolean(), (tags, late) => {
      const { confirms, outcomes, publish } = collect();
      for (let n = 0; n < 3000; n++) publish();
      for (const tag of tags) confirms.settle(tag, false);
      assert.equal(outcomes.size, tags.length);
      if (late) assert.equal(publish(), 3001);
      confirms.failAll(refusal);
      assert.equal(outcomes.size, late ? 3001 : 3000);
      for (const tag of tags) assert.equal(outcomes.get(tag), "confirmed");
    }),
    { numRuns: 10 },
  );
});
