// What a worker does.

import { realTurn } from "./engine/globals.ts";
import { type HistoryResult, runHistory } from "./history.ts";
import type { Answer, Failure, Order, Tally } from "./messages.ts";
import { makePlan, type Plan } from "./plan.ts";
import { shrink } from "./shrink.ts";

/** Rejections that nobody has handled. */
const unhandled: string[] = [];

globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  const { reason } = event;
  unhandled.push(reason instanceof Error ? `${reason.stack}` : `${reason}`);
});

/** Does what was asked for; tells of each history of a run as it begins. */
export async function carryOut(
  order: Order,
  begun: (seed: number) => void,
): Promise<Answer> {
  switch (order.type) {
    case "run":
      return { type: "run", tally: await runAll(order, begun) };
    case "trace":
      return { type: "trace", result: await run(order.plan, true) };
    case "shrink":
      return {
        type: "shrink",
        ...await shrink(order.plan, (plan) => run(plan, false)),
      };
  }
}

async function runAll(
  { seeds, options, stops }: Extract<Order, { type: "run" }>,
  begun: (seed: number) => void,
): Promise<Tally> {
  const sums = { histories: 0, answered: 0, failed: 0, faults: 0 };
  const costs = { steps: 0, virtualMs: 0 };
  const failures: Failure[] = [];
  for (const seed of seeds) {
    begun(seed);
    const plan = makePlan(seed, options);
    const result = await run(plan, false);
    sums.histories++;
    sums.answered += result.answered;
    sums.failed += result.failed;
    sums.faults += plan.faults.length;
    costs.steps += result.steps;
    costs.virtualMs += result.virtualMs;
    const { violations } = result;
    if (violations.length > 0) failures.push({ plan, violations });
    if (violations.length > 0 && stops) break;
  }
  return { ...sums, ...costs, failures };
}

async function run(plan: Plan, isTraced: boolean): Promise<HistoryResult> {
  unhandled.length = 0;
  const result = await runHistory(plan, { isTraced });
  await realTurn();
  const rule = "no unhandled rejections";
  const others = unhandled.map((what) => ({ rule, what, atMs: Infinity }));
  return { ...result, violations: [...result.violations, ...others] };
}
