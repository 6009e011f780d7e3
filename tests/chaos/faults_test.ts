// Faults that can't be caused end no run.

import assert from "node:assert/strict";
import { cause } from "./faults.ts";
import { Ledger } from "./ledger.ts";
import { makePlan } from "./plan.ts";
import type { World } from "./world.ts";

/** A world whose node answers as told, one answer for each rabbitmqctl. */
function worldOf(...answers: (string | Error)[]): World {
  const ctl = () => {
    const answer = answers.shift();
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve(answer);
  };
  return { ledger: new Ledger(1), rabbitMq: { ctl } } as unknown as World;
}

const KIND = "delete-request-queue";
const [fault] = makePlan(1, 100, { [KIND]: 1 });
const [closing] = makePlan(1, 100, { "close-channel": 1 });
const badGenerator = new Error("{bad_generator,''}");

Deno.test("a fault that failed is caused after all", async () => {
  const world = worldOf(badGenerator, badGenerator, "1");
  await cause(world, fault!);
  assert.equal(world.ledger.faults[KIND], 1);
  assert.deepEqual(world.ledger.faultsNotCaused, []);
});

Deno.test("a fault that fails again and again is told of", async () => {
  const world = worldOf(badGenerator, badGenerator, badGenerator);
  await cause(world, fault!);
  assert.equal(world.ledger.faults[KIND], undefined);
  assert.match(world.ledger.faultsNotCaused.join(), /^delete-.*bad_generator/);
});

Deno.test("a fault whose victim is gone or ending hits another", async () => {
  const world = worldOf("[5]", badGenerator, "[5]", "0", "[7]", "1");
  await cause(world, closing!);
  assert.equal(world.ledger.faults["close-channel"], 1);
  assert.deepEqual(world.ledger.faultsNotCaused, []);
});

Deno.test("calls that a fault hit may fail, caused or not", async () => {
  const world = worldOf(badGenerator, badGenerator, badGenerator);
  await cause(world, fault!);
  const nowMs = Date.now();
  const call = {
    number: 1,
    client: "client",
    options: { timeoutMs: 10_000 },
    startMs: nowMs,
    endMs: nowMs + 1,
    runs: [],
  };
  const { facts } = world.ledger.troubles.circumstances(call);
  assert.ok(facts.isTroubled && facts.wasQueueMissing);
});
