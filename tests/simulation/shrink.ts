// Takes faults and calls away from a plan while it still breaks the same rule.

import type { HistoryResult } from "./history.ts";
import type { Plan } from "./plan.ts";

type Run = (plan: Plan) => Promise<HistoryResult>;

/** A smaller plan, and how many histories it took to find it. */
export async function shrink(
  plan: Plan,
  run: Run,
): Promise<{ plan: Plan; runs: number }> {
  let runs = 1;
  const [broken] = (await run(plan)).violations;
  if (broken === undefined) return { plan, runs };
  const fails = async (smaller: Plan) => {
    runs++;
    const { violations } = await run(smaller);
    return violations.some(({ rule }) => rule === broken.rule);
  };
  let size: number;
  do {
    size = sizeOf(plan);
    const { faults, calls } = plan;
    plan = {
      ...plan,
      faults: await fewer(faults, (kept) => fails({ ...plan, faults: kept })),
    };
    plan = {
      ...plan,
      calls: await fewer(calls, (kept) => fails({ ...plan, calls: kept })),
    };
  } while (sizeOf(plan) < size);
  return { plan, runs };
}

/** Takes away halves, then quarters, and so on, down to single items. */
async function fewer<T>(
  items: readonly T[],
  fails: (kept: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  for (
    let size = Math.ceil(items.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < items.length;) {
      const kept = [...items.slice(0, from), ...items.slice(from + size)];
      if (await fails(kept)) items = kept;
      else from += size;
    }
  }
  return items;
}

function sizeOf({ faults, calls }: Plan): number {
  return faults.length + calls.length;
}
