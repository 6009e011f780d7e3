// One history, from its plan to its verdict.

import { enter } from "./engine/globals.ts";
import { HANDLER_TIMEOUT_MS, type Plan } from "./plan.ts";
import { notClosed, notQuiet } from "./rules/leftovers.ts";
import { RECOVERY_MS } from "./rules/troubles.ts";
import { cause } from "./world/faults.ts";
import { type Violation, World } from "./world/world.ts";

/** What a history came to. */
export interface HistoryResult {
  readonly violations: readonly Violation[];
  /** What happened, where it was asked for. */
  readonly trace: readonly string[];
  readonly steps: number;
  readonly virtualMs: number;
  readonly answered: number;
  readonly failed: number;
}

/** By then all has ended, or something never does. */
const LONGEST_MS = 400_000;
/** What may happen within one instant before it is called endless. */
const MOST_STEPS = 2_000_000;
/** By then nothing is left of calls and troubles. */
const SETTLED_MS = RECOVERY_MS + HANDLER_TIMEOUT_MS;
/** How long everything may take to close. */
const CLOSING_MS = 20_000;

/** Runs a history. */
export async function runHistory(
  plan: Plan,
  { isTraced = false }: { isTraced?: boolean } = {},
): Promise<HistoryResult> {
  // Of the time of a history, stack traces would take a tenth.
  Error.stackTraceLimit = isTraced ? 20 : 0;
  const world = new World(plan, isTraced);
  const { loop } = world;
  enter(loop);
  try {
    let isOver = false;
    live(world, () => isOver = true);
    await loop.run(() =>
      isOver || loop.nowMs > LONGEST_MS || loop.steps > MOST_STEPS ||
      world.violations.length > 0
    );
    if (!isOver && world.violations.length === 0) {
      world.violation("an end", "the history has no end");
    }
  } finally {
    enter(undefined);
  }
  const ends = world.book.calls.map(({ end }) => end?.type);
  return {
    violations: world.violations,
    trace: world.lines ?? [],
    steps: loop.steps,
    virtualMs: loop.nowMs,
    answered: ends.filter((type) => type === "answer").length,
    failed: ends.filter((type) => type === "error").length,
  };
}

/** Lets it all happen, and then ends it. */
function live(world: World, onOver: () => void): void {
  const { plan, fate, clients } = world;
  for (const call of plan.calls) {
    const client = clients[call.client]!;
    fate.after(call.atMs, () => client.machine.soon(() => client.call(call)));
  }
  for (const fault of plan.faults) {
    fate.after(fault.atMs, () => cause(world, fault));
  }
  const lastMs = Math.max(
    1_000,
    ...[...plan.calls, ...plan.faults].map(({ atMs }) => atMs),
  );
  fate.after(lastMs + 1_000, () => awaitQuiet(world, onOver));
}

/** All calls have ended, and all gets well by itself. */
function awaitQuiet(world: World, onOver: () => void): void {
  const { fate, troubles, loop, book } = world;
  const again = () => fate.after(1_000, () => awaitQuiet(world, onOver));
  // Who is paused has calls to make.
  if (book.open > 0 || troubles.overMs > loop.nowMs - 1_000) {
    return void again();
  }
  const unquiet = notQuiet(world);
  const isDue = loop.nowMs > Math.max(troubles.overMs, book.dueMs) + SETTLED_MS;
  if (unquiet.length > 0 && !isDue) return void again();
  for (const what of unquiet) world.violation("nothing is left", what);
  closeAll(world, onOver);
}

/** Clients and servers close, then the broker: nothing is left of any. */
function closeAll(world: World, onOver: () => void): void {
  const { clients, servers, broker, fate } = world;
  const late = fate.after(CLOSING_MS, () => {
    world.violation("an end", "not everything has closed in time");
  });
  const closing = [
    ...clients.map((it) => onMachine(it.machine, () => it.close())),
    ...servers.map((it) => onMachine(it.machine, () => it.stop())),
  ];
  Promise.all(closing).then(() =>
    fate.after(5_000, () => {
      for (const what of notClosed(world)) {
        world.violation("nothing is left", what);
      }
      onMachine(broker.machine, () => broker.stop()).then(() =>
        fate.soon(() => {
          late.canceled = true;
          world.judge.close();
          onOver();
        })
      );
    })
  );
}

function onMachine(
  machine: World["fate"],
  act: () => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) =>
    machine.soon(() => void act().then(resolve, reject))
  );
}
