// When procedures may run.

import type { Breach, CallRecord, Run } from "./records.ts";

/** Whether a server runs again what it has run, and remembers. */
export function repeatOf(
  run: Run,
  earlier: readonly Run[],
  isRemembered: (before: Run) => boolean,
): Breach | undefined {
  const before = earlier.find((it) => isSame(run, it) && isRemembered(it));
  if (before === undefined) return;
  const what = `runs again on ${run.server}, which has run it before`;
  return { rule: "no repeats", what };
}

function isSame(run: Run, before: Run): boolean {
  if (run.server !== before.server || before.isCalledOff) return false;
  // All attempts are one call.
  if (run.messageId !== undefined) return before.messageId !== undefined;
  return run.correlationId === before.correlationId &&
    (!before.isDone || before.isUnanswered);
}

/** Whether a call runs for more requests than were allowed. */
export function uncounted({ options, runs }: CallRecord): Breach | undefined {
  const requests = new Set(runs.map((it) => it.correlationId));
  if (requests.size <= (options.retries ?? 0) + 1) return;
  const what = `runs for ${requests.size} requests`;
  return { rule: "retries are counted", what };
}

/** Whether a run starts when nobody waits any more. */
export function expired(
  { options, startMs }: CallRecord,
  run: Run,
  /** What clocks may differ by. */
  clockMs: number,
): Breach | undefined {
  const lateMs = run.startMs - startMs - options.timeoutMs;
  if (lateMs <= clockMs) return;
  return { rule: "no expired runs", what: `starts ${lateMs} ms too late` };
}
