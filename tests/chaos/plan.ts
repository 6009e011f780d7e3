// What goes wrong, when, and to whom: the same seed makes the same plan.

import type { Direction } from "../support/proxy.ts";

/** Everything that can be made to fail, by what it happens to. */
export const FAULTS_BY_LANE = {
  servers: ["kill-server", "term-server"],
  network: ["cut", "stall", "refuse"],
  broker: [
    "restart-broker",
    "kill-broker",
    "delete-request-queue",
    "delete-callback-queue",
    "close-channel",
    "alarm",
    "lose-leader",
  ],
} as const;

/** Faults of one lane come one after the other, those of several at once. */
export type Lane = keyof typeof FAULTS_BY_LANE;
/** A kind of fault. */
export type FaultKind = typeof FAULTS_BY_LANE[Lane][number];
/** How many of each kind. */
export type FaultCounts = Partial<Record<FaultKind, number>>;
/** Whose connections are hit. */
export type Side = "clients" | "servers" | "both";

/** One fault that is to be caused. */
export interface Fault {
  readonly kind: FaultKind;
  readonly lane: Lane;
  /** When so many calls have ended. */
  readonly at: number;
  /** A number from 0 to below 1, to pick among those that are there then. */
  readonly pick: number;
  readonly side: Side;
  readonly direction: Direction | "both";
  /** How long it lasts, in ms, where it can be chosen. */
  readonly lengthMs: number;
}

export const LANES = Object.keys(FAULTS_BY_LANE) as Lane[];
export const FAULT_KINDS: readonly FaultKind[] = LANES.flatMap((lane) => [
  ...FAULTS_BY_LANE[lane],
]);

/** About how long each takes, in s. */
const TYPICAL_S: Record<FaultKind, number> = {
  "kill-server": 0.2,
  "term-server": 1.5,
  "cut": 0.2,
  "stall": 3,
  "refuse": 1.5,
  "restart-broker": 10,
  "kill-broker": 8,
  "delete-request-queue": 1,
  "delete-callback-queue": 2,
  "close-channel": 2,
  "alarm": 4,
  "lose-leader": 20,
};

/** For about every 5,000 calls. */
const USUAL: Record<FaultKind, number> = {
  "kill-server": 2,
  "term-server": 2,
  "cut": 4,
  "stall": 3,
  "refuse": 1,
  "restart-broker": 1,
  "kill-broker": 1,
  "delete-request-queue": 1,
  "delete-callback-queue": 2,
  "close-channel": 3,
  "alarm": 1,
  // Where there is a cluster.
  "lose-leader": 0,
};
const USUAL_CALLS = 5_000;
const MAX_FACTOR = 4;

/** Calls before the first fault and after the last, as shares of all. */
const QUIET_START = 0.05;
const QUIET_END = 0.1;

/** Longer than twice the heartbeat of a second that chaos runs have. */
const STALL_MS = [2_200, 4_000] as const;
const OUTAGE_MS = [200, 2_500] as const;

/** How many faults of each kind a run of so many calls has by default. */
export function usualFaults(calls: number): FaultCounts {
  const factor = Math.min(Math.max(calls / USUAL_CALLS, 1), MAX_FACTOR);
  return Object.fromEntries(
    FAULT_KINDS.map((kind) => [kind, Math.round(USUAL[kind] * factor)]),
  );
}

/** About how long the faults take, in s: those of the busiest lane. */
export function typicalSeconds(counts: FaultCounts): number {
  const byLane = LANES.map((lane) =>
    FAULTS_BY_LANE[lane]
      .map((kind) => (counts[kind] ?? 0) * TYPICAL_S[kind])
      .reduce((sum, seconds) => sum + seconds)
  );
  return Math.max(...byLane);
}

/** The plan of a run, in the order of `at`. */
export function makePlan(
  seed: number,
  calls: number,
  counts: FaultCounts,
): Fault[] {
  const random = randomNumbers(seed);
  const faults = LANES.flatMap((lane) =>
    FAULTS_BY_LANE[lane].flatMap((kind) =>
      Array.from(
        { length: counts[kind] ?? 0 },
        () => makeFault(lane, kind, calls, random),
      )
    )
  );
  return faults.sort((one, other) => one.at - other.at);
}

function makeFault(
  lane: Lane,
  kind: FaultKind,
  calls: number,
  random: () => number,
): Fault {
  const share = QUIET_START + random() * (1 - QUIET_START - QUIET_END);
  const [shortestMs, longestMs] = kind === "stall" ? STALL_MS : OUTAGE_MS;
  return {
    kind,
    lane,
    at: Math.floor(share * calls),
    pick: random(),
    side: oneOf(["clients", "servers", "both"], random()),
    direction: oneOf(["up", "down", "both"], random()),
    lengthMs: Math.round(shortestMs + random() * (longestMs - shortestMs)),
  };
}

/** The item that a number from 0 to below 1 picks. */
export function oneOf<T>(items: readonly T[], pick: number): T {
  if (items.length === 0) throw new RangeError("items must not be empty");
  return items[Math.floor(pick * items.length)]!;
}

/** Numbers from 0 to below 1 (mulberry32), the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
