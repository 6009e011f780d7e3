// Calls: what is planned of one, and how it is drawn.

import type { Random } from "./engine/random.ts";
import type { CallOptions } from "./product.ts";

/** What a procedure does with a call. */
export type Work =
  | {
    readonly type: "answer";
    readonly afterMs: number;
    readonly large: boolean;
  }
  | ItemsWork
  | { readonly type: "throw" }
  /** Heeds its signal, or goes on for ever. */
  | { readonly type: "never"; readonly heeds: boolean };

/** One call. */
export interface PlannedCall {
  /** From 1. */
  readonly number: number;
  readonly atMs: number;
  readonly client: number;
  readonly queue: string;
  readonly options: CallOptions & { readonly timeoutMs: number };
  readonly abortAfterMs: number | undefined;
  readonly work: Work;
  readonly large: boolean;
  /** Where it asks for a stream. */
  readonly stream?: PlannedStream;
  /** Where it asks for progress. */
  readonly progress?: true;
}

/** A procedure that gives items. */
export interface ItemsWork {
  readonly type: "items";
  readonly count: number;
  /** What it does after those; "go on" gives more and more. */
  readonly then: "end" | "throw" | "hang" | "go on";
  /** Before each item. */
  readonly paceMs: number;
  /** Before one of them, in place of that. */
  readonly pause?: { readonly at: number; readonly ms: number };
  /** What is added to each item. */
  readonly bytes: number;
  /** Runs after the first give others from this one on. */
  readonly differsFrom?: number;
  /** Runs after the first give so many. */
  readonly countAgain?: number;
}

/** How a stream is asked for and read. */
export interface PlannedStream {
  readonly credit: number;
  readonly creditBytes?: number;
  readonly idleTimeoutMs: number;
  /** Of the stream as a whole; absent without one. */
  readonly timeoutMs?: number;
  readonly restart: "abort" | "skip";
  /** After each item. */
  readonly paceMs: number;
  /** The reader stops for a while after so many. */
  readonly stop?: { readonly after: number; readonly ms: number };
  /** The reader leaves the loop after so many. */
  readonly leaveAfter?: number;
}

/** What is added to large requests and replies: several frames. */
export const LARGE_BYTES = 40_000;
/** A signal that is there and never aborted: no history takes so long. */
export const NEVER_MS = 10_000_000;
/** When the first call is made, and the last. */
const CALLS_MS: readonly [number, number] = [3_000, 60_000];
/** What calls and faults are drawn from. */
export interface Parts {
  readonly random: Random;
  readonly queues: readonly string[];
  readonly clients: number;
}

/** Draws a call. */
export function makeCall(number: number, parts: Parts): PlannedCall {
  const { random, queues, clients } = parts;
  // Many come at the same instant.
  const exactMs = CALLS_MS[0] + random.next() * (CALLS_MS[1] - CALLS_MS[0]);
  const atMs = random.chance(0.4) ? Math.floor(exactMs / 500) * 500 : exactMs;
  const work = makeWork(random);
  return {
    number,
    atMs: Math.floor(atMs),
    client: random.whole(0, clients - 1),
    queue: random.pick(queues),
    // The attempts of what never ends would keep all others waiting.
    options: work.type !== "never" && random.chance(0.4)
      ? retriedOptions(random)
      : plainOptions(random),
    abortAfterMs: random.chance(0.15)
      ? random.chance(0.6) ? random.whole(0, 3_000) : NEVER_MS
      : undefined,
    work,
    large: random.chance(0.02),
  };
}

function retriedOptions(random: Random): PlannedCall["options"] {
  return {
    timeoutMs: random.pick([10_000, 30_000, 120_000, 120_000]),
    retries: random.chance(0.85) ? 50 : random.whole(1, 3),
    ...(random.chance(0.8) && { wait: true }),
    ...(random.chance(0.7) && {
      attemptTimeoutMs: random.pick([1_000, 2_000, 5_000]),
    }),
    ...someOptions(random),
  };
}

function plainOptions(random: Random): PlannedCall["options"] {
  return {
    timeoutMs: random.pick([500, 2_000, 5_000, 10_000, 30_000, 60_000]),
    ...(random.chance(0.15) && { confirm: true }),
    ...(random.chance(0.1) && { requireConsumer: true }),
    ...(random.chance(0.1) && { wait: true }),
    ...someOptions(random),
  };
}

function someOptions(random: Random): CallOptions {
  return {
    ...(random.chance(0.2) && { persistent: true }),
    ...(random.chance(0.1) && { priority: random.whole(1, 9) }),
  };
}

const SLOW = { type: "answer", large: false } as const;

function makeWork(random: Random): Work {
  const type = random.weighted({
    now: 45,
    soon: 35,
    slow: 10,
    throw: 6,
    never: 4,
  });
  switch (type) {
    case "now":
      return { type: "answer", afterMs: 0, large: random.chance(0.02) };
    case "soon":
      return { type: "answer", afterMs: random.whole(1, 300), large: false };
    case "slow":
      return { ...SLOW, afterMs: random.whole(1_000, 8_000) };
    case "throw":
      return { type };
    case "never":
      return { type, heeds: random.chance(0.5) };
  }
}
