// Tests of src/amqp/confirms.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Confirms } from "../../src/amqp/confirms.ts";
import { MessageSizes } from "../../src/amqp/message_sizes.ts";
import { RpcError } from "../../src/rpc/errors.ts";

const refusal = new RpcError("resource_exhausted", "refused");

function collect() {
  const sizes = new MessageSizes();
  const confirms = new Confirms(sizes);
  const outcomes = new Map<number, string>();
  let published = 0;
  const publish = (bytes = 0) => {
    const tag = ++published;
    const note = (outcome: string) => {
      assert.equal(outcomes.has(tag), false, `${tag} was told twice`);
      outcomes.set(tag, outcome);
    };
    confirms.add(`queue ${tag}`, new Uint8Array(bytes), {}, {
      confirmed: () => note("confirmed"),
      failed: (error) => note(error.message),
    });
    return tag;
  };
  return { confirms, outcomes, publish, sizes };
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

Deno.test("what was published from the first that is too large on is taken out", async () => {
  const { confirms, outcomes, publish } = collect();
  for (const bytes of [1, 2, 11, 3, 12, 4]) publish(bytes);
  confirms.settle(1, false);
  const taken = confirms.takeFromFirstOver(10);
  assert.deepEqual(
    taken.map(({ queue, body }) => [queue, body.length]),
    [["queue 3", 11], ["queue 4", 3], ["queue 5", 12], ["queue 6", 4]],
  );
  assert.equal(confirms.isEmpty, false);
  const empty = confirms.empty();
  confirms.settle(2, false);
  await empty;
  // They are another channel's now.
  confirms.failAll(refusal);
  assert.deepEqual([...outcomes.keys()], [1, 2]);
  assert.deepEqual(confirms.takeFromFirstOver(0), []);
});

Deno.test("confirms tell which sizes the broker takes", () => {
  const { confirms, publish, sizes } = collect();
  for (const bytes of [5, 7, 6]) publish(bytes);
  confirms.settle(1, false);
  assert.equal(sizes.taken, 5);
  confirms.settle(2, false, refusal);
  assert.equal(sizes.taken, 5);
  confirms.settle(3, false);
  assert.equal(sizes.taken, 6);
});
