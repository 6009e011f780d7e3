// Which calls of a history are streams. They are drawn from chance of their
// own, so that everything else of a plan stays what it was without them.

import { Random } from "./engine/random.ts";
import {
  type ItemsWork,
  LARGE_BYTES,
  NEVER_MS,
  type PlannedCall,
  type PlannedStream,
} from "./plan_calls.ts";

/** Where the calls come from and go to. */
export interface StreamParts {
  readonly seed: number;
  /** Queues where few procedures may run at once. */
  readonly crowded: ReadonlySet<string>;
}

/** Of the histories, those that have none. */
const WITHOUT = 0.25;
const SHARES = [0.02, 0.03, 0.08];
/** Of the streams: those that are called as if they were none, and calls of
 * procedures that are none. */
const JOINED = 0.15;
const SINGLE = 0.1;

/** The calls, some of which are streams now. */
export function withStreams(
  calls: readonly PlannedCall[],
  { seed, crowded }: StreamParts,
): PlannedCall[] {
  const random = new Random(`streams/${seed}`);
  if (random.chance(WITHOUT)) return [...calls];
  const share = random.pick(SHARES);
  return calls.map((call) => {
    if (!random.chance(share)) return call;
    const own = random.fork(call.number);
    if (own.chance(JOINED)) return joined(call, own);
    return streamed(call, own, crowded.has(call.queue));
  });
}

/** How long servers wait for readers who take nothing; absent for long. */
export function drawStallTimeout(seed: number): { stallTimeoutMs?: number } {
  const isShort = new Random(`stall/${seed}`).chance(0.3);
  return isShort ? { stallTimeoutMs: 30_000 } : {};
}

/** A call of a procedure that gives items: they are one reply. */
function joined(call: PlannedCall, random: Random): PlannedCall {
  const work: ItemsWork = {
    type: "items",
    count: random.whole(0, 12),
    then: random.chance(0.8) ? "end" : "throw",
    paceMs: random.pick([0, 0, 20]),
    bytes: random.pick([0, 100]),
  };
  return { ...call, ...drawProgress(random), work };
}

function streamed(
  call: PlannedCall,
  random: Random,
  isCrowded: boolean,
): PlannedCall {
  const work = random.chance(SINGLE) ? call.work : drawWork(random, isCrowded);
  const stream = drawStream(random, work, isCrowded);
  const { priority, persistent, wait, requireConsumer } = call.options;
  const { idleTimeoutMs, timeoutMs = Infinity } = stream;
  return {
    ...call,
    ...drawProgress(random),
    // The time for the first item; the stream has its own.
    options: {
      timeoutMs: Math.min(idleTimeoutMs, timeoutMs),
      ...(priority && { priority }),
      ...(persistent && { persistent }),
      ...(wait && { wait }),
      ...(requireConsumer && { requireConsumer }),
    },
    work,
    stream: isEndless(call, work, stream)
      ? { ...stream, leaveAfter: random.whole(1, 40) }
      : stream,
  };
}

function drawProgress(random: Random): { progress?: true } {
  return random.chance(0.2) ? { progress: true } : {};
}

function isEndless(
  { abortAfterMs = NEVER_MS }: PlannedCall,
  work: PlannedCall["work"],
  { timeoutMs, leaveAfter }: PlannedStream,
): boolean {
  return work.type === "items" && work.then === "go on" &&
    abortAfterMs === NEVER_MS && timeoutMs === undefined &&
    leaveAfter === undefined;
}

function drawWork(random: Random, isCrowded: boolean): ItemsWork {
  const count = drawCount(random);
  const isShort = count < 10;
  const then = random.weighted({
    "end": 75,
    "throw": 12,
    "hang": 4,
    "go on": isCrowded ? 0 : 10,
  });
  const speed = random.weighted({
    now: 5,
    quick: count < 100 ? 3 : 0,
    slow: isShort && !isCrowded ? 2 : 0,
  });
  const paceMs = speed === "now"
    ? 0
    : speed === "quick"
    ? random.whole(1, 40)
    : random.whole(200, 1_500);
  const isPaused = count > 0 && !isCrowded && random.chance(0.12);
  const pause = {
    at: random.whole(0, count - 1),
    ms: random.whole(5_500, 8_000),
  };
  return {
    type: "items",
    count,
    then,
    paceMs: then === "go on" ? Math.max(paceMs, 400) : paceMs,
    ...(isPaused && { pause }),
    bytes: isShort && random.chance(0.05)
      ? LARGE_BYTES
      : random.pick([0, 0, 60, 500, 3_000]),
    ...drawRepeats(random, count),
  };
}

function drawCount(random: Random): number {
  const length = random.weighted({
    none: 1,
    one: 2,
    few: 9,
    many: 1.5,
    lots: 0.12,
  });
  switch (length) {
    case "none":
      return 0;
    case "one":
      return 1;
    case "few":
      return random.whole(2, 9);
    case "many":
      return random.whole(15, 60);
    case "lots":
      return random.whole(150, 400);
  }
}

/** Most procedures repeat themselves exactly. */
function drawRepeats(random: Random, count: number): Partial<ItemsWork> {
  if (random.chance(0.65)) return {};
  if (random.chance(0.6)) return { differsFrom: random.whole(0, count) };
  return { countAgain: random.whole(0, count) };
}

function drawStream(
  random: Random,
  work: PlannedCall["work"],
  isCrowded: boolean,
): PlannedStream {
  const { count, bytes } = work.type === "items"
    ? work
    : { count: 1, bytes: 0 };
  const isShort = count < 10;
  const isStopped = !isCrowded && random.chance(0.1);
  const stop = {
    after: random.whole(1, Math.min(Math.max(count, 1), 20)),
    ms: random.pick([6_000, 20_000, 20_000, 40_000, 100_000]),
  };
  return {
    credit: random.pick(
      isShort
        ? [1, 1, 2, 3, 8, 256]
        : [1, 4, 16, 16, 64, 256].slice(count > 99 ? 2 : 0),
    ),
    ...(random.chance(0.15) &&
      { creditBytes: random.pick([1, 20 + bytes, 10 * (20 + bytes)]) }),
    idleTimeoutMs: random.pick([5_000, 15_000, 30_000, 60_000, 120_000]),
    ...(random.chance(0.2) &&
      { timeoutMs: random.pick([2_000, 10_000, 60_000]) }),
    restart: random.chance(0.5) ? "skip" : "abort",
    paceMs: isCrowded || count > 99 || random.chance(0.6)
      ? 0
      : random.whole(1, isShort ? 600 : 80),
    ...(isStopped && { stop }),
    ...(random.chance(0.12) &&
      { leaveAfter: random.whole(1, Math.max(count, 1)) }),
  };
}
