// What happens in a history, drawn from its seed before anything happens: so
// that calls and faults can be left out without changing the others.

import { lateCalls } from "./epilogue.ts";
import { Random } from "./engine/random.ts";
import type { Direction } from "./engine/route.ts";
import {
  LARGE_BYTES,
  makeCall,
  type Parts,
  type PlannedCall,
} from "./plan_calls.ts";
import { drawStallTimeout, withStreams } from "./plan_streams.ts";
import { type Generation, GENERATIONS } from "./product.ts";

/** Everything that can go wrong, and how often it does. */
export const FAULT_WEIGHTS = {
  "cut": 5,
  "stall": 3,
  "slow": 2,
  "latency": 2,
  "refuse": 2,
  "ignore": 1,
  "half-open": 1,
  "refuse-login": 1,
  "crash-server": 4,
  "crash-client": 1,
  "close-client": 1,
  "stop-server": 4,
  "pause": 2,
  "jump-clock": 1,
  "restart-broker": 2,
  "crash-broker": 2,
  "hold-confirms": 2,
  "refuse-messages": 1,
  "block": 2,
  "delete-request-queue": 1,
  "delete-callback-queue": 2,
  "delete-cancel-queue": 1,
  "close-channel": 4,
  "cancel-consumer": 2,
  "redeliver": 2,
};

/** What can go wrong. */
export type FaultKind = keyof typeof FAULT_WEIGHTS;
export const FAULT_KINDS = Object.keys(FAULT_WEIGHTS) as FaultKind[];

/** One fault. */
export interface PlannedFault {
  /** From 1. */
  readonly number: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly lengthMs: number;
  /** From 0 to below 1, to pick among those that are there then. */
  readonly pick: number;
  readonly side: "client" | "server";
  readonly direction: Direction | "both";
  readonly queue: string;
}

/** A server of the world. */
export interface PlannedServer {
  readonly queue: string;
  readonly concurrency: number;
  readonly heartbeatMs: number;
}

/** What the broker behaves as, and allows. */
export interface BrokerLimits {
  readonly as: Generation;
  readonly channelMax: number;
  readonly frameMax: number;
  readonly maxMessageSize: number;
  readonly consumerTimeoutMs: number;
}

/** A history, from its seed. */
export interface Plan {
  readonly seed: number;
  readonly broker: BrokerLimits;
  readonly queueType: "classic" | "quorum";
  readonly queues: readonly string[];
  /** Heartbeats of the clients, one each. */
  readonly clients: readonly number[];
  readonly servers: readonly PlannedServer[];
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** The most that wall clocks differ, in ms. */
  readonly skewMs: number;
  /** How long servers wait for readers who take nothing. */
  readonly stallTimeoutMs?: number;
  readonly calls: readonly PlannedCall[];
  readonly faults: readonly PlannedFault[];
}

/** What a plan is made of. */
export interface PlanOptions {
  readonly calls: number;
  readonly faults: number;
  readonly kinds: readonly FaultKind[];
}

const FAULTS_MS: readonly [number, number] = [4_000, 50_000];
const HEARTBEATS_MS = [1_000, 2_000, 5_000];
/** How long a run may take on a server. */
export const HANDLER_TIMEOUT_MS = 10_000;

/** Requests that a server takes at once, those that wait included. */
export function prefetchOf(concurrency: number): number {
  return Math.max(concurrency, Math.min(2 * concurrency, 16));
}

/** So few procedures that some that never end keep all others waiting. */
const FEW_AT_ONCE = 4;

/** Queues where few procedures may run at once. */
export function crowdedQueues(servers: readonly PlannedServer[]): Set<string> {
  const crowded = servers.filter((it) => it.concurrency <= FEW_AT_ONCE);
  return new Set(crowded.map(({ queue }) => queue));
}

/** The plan of a seed. */
export function makePlan(seed: number, options: PlanOptions): Plan {
  const random = new Random(`plan/${seed}`);
  const queues = random.chance(0.3) ? ["one", "two"] : ["one"];
  const clients = list(random.whole(1, 3), () => random.pick(HEARTBEATS_MS));
  const servers = list(
    random.whole(queues.length, 3),
    (i) => ({
      queue: queues[i % queues.length]!,
      concurrency: random.pick([2, 4, 16, 256]),
      heartbeatMs: random.pick(HEARTBEATS_MS),
    }),
  );
  const parts = { random, queues, clients: clients.length };
  return {
    seed,
    broker: makeLimits(random),
    queueType: random.chance(0.3) ? "quorum" : "classic",
    queues,
    clients,
    servers,
    latencyMs: random.pick([0, 0.25, 2, 20, 80]),
    jitterMs: random.pick([0, 0.5, 5, 50]),
    skewMs: random.pick([0, 0, 500, 2_000]),
    ...drawStallTimeout(seed),
    calls: [
      ...withStreams(list(options.calls, (i) => makeCall(i + 1, parts)), {
        seed,
        crowded: crowdedQueues(servers),
      }),
      ...lateCalls(seed, options.calls + 1, clients.length, queues),
    ],
    faults: list(options.faults, (i) => makeFault(i + 1, parts, options.kinds)),
  };
}

/** Mostly what brokers have by default. */
function makeLimits(random: Random): BrokerLimits {
  const rarely = (unusual: number, usual: number) =>
    random.chance(0.15) ? unusual : usual;
  return {
    as: random.pick(GENERATIONS),
    channelMax: rarely(random.whole(4, 6), 2_047),
    frameMax: rarely(8_192, 131_072),
    maxMessageSize: rarely(LARGE_BYTES / 2, 16 * 1024 * 1024),
    consumerTimeoutMs: rarely(15_000, 1_800_000),
  };
}

function makeFault(
  number: number,
  { random, queues }: Parts,
  kinds: readonly FaultKind[],
): PlannedFault {
  const weights = Object.fromEntries(
    kinds.map((kind) => [kind, FAULT_WEIGHTS[kind]]),
  ) as typeof FAULT_WEIGHTS;
  return {
    number,
    kind: random.weighted(weights),
    atMs: random.whole(...FAULTS_MS),
    lengthMs: random.pick([50, 500, 2_000, 5_000, 12_000]),
    pick: random.next(),
    side: random.pick(["client", "server"]),
    direction: random.pick(["up", "down", "both"]),
    queue: random.pick(queues),
  };
}

function list<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
