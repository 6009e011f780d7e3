// Whose turn it is on a server, and for how long.

import type { Breach } from "../../rules/records.ts";
import { HANDLER_TIMEOUT_MS } from "../plan.ts";
import type { Delivered } from "../wire/monitor.ts";
import type { SimulatedCall, SimulatedRun } from "./records.ts";

/** Whether a run starts while a request of a higher priority waits. */
export function passedOver(
  call: SimulatedCall,
  waiting: readonly Delivered[],
  callOf: (number: number) => SimulatedCall | undefined,
  /** Before this point in time a call has a deadline that nobody disputes. */
  dueMs: number,
): Breach | undefined {
  const priority = priorityOf(call);
  const first = waiting.map(({ body }) => callOf(Number.parseInt(body, 10)))
    .find((it) =>
      it !== undefined && priorityOf(it) > priority && isNew(it) &&
      it.startMs + it.options.timeoutMs > dueMs
    );
  if (first === undefined) return;
  const what = `starts before call ${first.number}, of a higher priority`;
  return { rule: "priorities", what };
}

function priorityOf({ planned }: SimulatedCall): number {
  return planned.options.priority ?? 0;
}

/** It can't be but a request that waits for its first run. */
function isNew(call: SimulatedCall): boolean {
  const { end, isForgotten, runs, deliveries, attempts } = call;
  return end === undefined && !isForgotten && runs.length === 0 &&
    deliveries === 1 && attempts === 1;
}

/** How long a run may go on: the limit of its server, or of its caller. */
export function mostMs(
  { options, startMs }: SimulatedCall,
  run: SimulatedRun,
  clockMs: number,
): number {
  const leftMs = startMs + options.timeoutMs - run.startMs + clockMs;
  return Math.min(HANDLER_TIMEOUT_MS, Math.max(leftMs, 0));
}
