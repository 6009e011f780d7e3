// Tests of src/async/turn_budget.ts.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { TurnBudget } from "../../src/async/turn_budget.ts";

Deno.test("within the budget there is nothing to wait for, beyond it a turn", async () => {
  const budget = new TurnBudget(3);
  for (let n = 0; n < 3; n++) assert.equal(budget.take(), undefined);
  const next = budget.take();
  assert.ok(next);
  assert.equal(budget.take(), next);
  let turned = false;
  setImmediate(() => turned = true);
  await next;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(turned, true);
  assert.equal(budget.take(), undefined);
});

Deno.test("who waits for nothing but microtasks gets no more than others", async () => {
  const budget = new TurnBudget(10);
  let steps = 0;
  let over = false;
  const busy = async () => {
    while (!over) {
      const turn = budget.take();
      if (turn) await turn;
      steps++;
      await Promise.resolve();
    }
  };
  const all = Array.from({ length: 5 }, busy);
  // A loop of microtasks alone would never get here.
  for (let n = 0; n < 3; n++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  over = true;
  await Promise.all(all);
  assert.ok(steps > 10 && steps < 200, `${steps}`);
});
