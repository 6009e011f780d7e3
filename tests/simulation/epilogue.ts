// Calls that are made when all has got well again: nothing excuses them.

import { Random } from "./engine/random.ts";
import type { PlannedCall } from "./plan_calls.ts";

/** By then every trouble is over, and so is what it left behind. */
const LATE_MS = 100_000;
const ABORT_MS = 500;
/** Of the histories: until then they would mostly have been over. */
const SHARE = 0.3;

/** From each client to each queue: one to be answered, and one to be aborted. */
export function lateCalls(
  seed: number,
  first: number,
  clients: number,
  queues: readonly string[],
): PlannedCall[] {
  const calls: PlannedCall[] = [];
  if (!new Random(`late/${seed}`).chance(SHARE)) return calls;
  for (let client = 0; client < clients; client++) {
    for (const queue of queues) {
      const common = { atMs: LATE_MS, client, queue, large: false };
      calls.push({
        ...common,
        number: first + calls.length,
        options: { timeoutMs: 10_000 },
        abortAfterMs: undefined,
        work: { type: "answer", afterMs: 0, large: false },
      }, {
        ...common,
        number: first + calls.length + 1,
        options: { timeoutMs: 10_000 },
        abortAfterMs: ABORT_MS,
        work: { type: "never", heeds: true },
      });
    }
  }
  return calls;
}
