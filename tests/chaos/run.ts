// One chaos run, from its plan to its verdict.

import { delay } from "../../src/async/delay.ts";
import { waitUntil } from "../support/wait.ts";
import { channelsByConnection, messagesByQueue } from "./broker.ts";
import { cause, drain, expectEnd } from "./faults.ts";
import { Ledger } from "./ledger.ts";
import { type Fault, type FaultCounts, LANES, makePlan } from "./plan.ts";
import { MOST_UNDER_WAY, QUEUE, World, type WorldOptions } from "./world.ts";

/** What a run is made of. */
export interface ChaosOptions extends WorldOptions {
  seed: number;
  faults: FaultCounts;
}

/** What a run came to. */
export interface ChaosResult {
  options: ChaosOptions;
  ledger: Ledger;
  unknownReplies: number;
  elapsedMs: number;
}

/** The longest deadline of a call, and more: by then something has ended. */
const STANDSTILL_MS = 75_000;
/** Time for the last messages to leave, and the last channels to close. */
const QUIET_MS = 30_000;
/** One to consume, one to publish, one to listen for cancels. */
const MOST_CHANNELS = 3;

/** Runs; `tell` hears of each fault. Kept rules or not, it returns. */
export async function runChaos(
  options: ChaosOptions,
  tell: (line: string) => void,
): Promise<ChaosResult> {
  const startedMs = performance.now();
  const ledger = new Ledger(options.calls);
  let unknownReplies = 0;
  const over = new AbortController();
  try {
    await using world = await World.create(ledger, options);
    await Promise.race([
      runPlan(world, options, tell),
      world.broken,
      standstill(ledger, over.signal),
    ]);
    unknownReplies = world.unknownReplies;
  } catch (error) {
    ledger.violation(`the run was ended: ${error}`);
  } finally {
    over.abort();
  }
  ledger.close();
  const elapsedMs = performance.now() - startedMs;
  return { options, ledger, unknownReplies, elapsedMs };
}

async function runPlan(
  world: World,
  { seed, calls, faults }: ChaosOptions,
  tell: (line: string) => void,
): Promise<void> {
  const plan = makePlan(seed, calls, faults);
  const gate = new PlanGate(world, plan, calls);
  await gate.open();
  await Promise.all(LANES.map(async (lane) => {
    for (const fault of plan.filter((fault) => fault.lane === lane)) {
      await world.ledger.reached(fault.at);
      tell(`${world.ledger.ended} calls: ${describe(fault)}`);
      await gate.started(fault);
      await cause(world, fault);
    }
  }));
  await world.clientsDone();
  tell(`${world.ledger.ended} calls: all made`);
  await checkEnd(world);
}

/** Keeps the calls from running ahead of the faults that are to hit them. */
class PlanGate {
  readonly #world: World;
  readonly #toCome: Set<Fault>;
  readonly #calls: number;

  constructor(world: World, plan: Fault[], calls: number) {
    this.#world = world;
    this.#toCome = new Set(plan);
    this.#calls = calls;
  }

  async open(): Promise<void> {
    const next = [...this.#toCome].map(({ at }) => at + 2 * MOST_UNDER_WAY);
    await this.#world.allow(Math.min(this.#calls, ...next));
  }

  async started(fault: Fault): Promise<void> {
    this.#toCome.delete(fault);
    await this.open();
  }
}

function describe(fault: Fault): string {
  const { kind, side, direction, lengthMs } = fault;
  switch (kind) {
    case "cut":
      return `${kind} (${side})`;
    case "refuse":
      return `${kind} (${side}, ${lengthMs} ms)`;
    case "stall":
      return `${kind} (${side}, ${direction}, ${lengthMs} ms)`;
    default:
      return kind;
  }
}

/** Rejects when no call ends for longer than any may take. */
async function standstill(
  ledger: Ledger,
  signal: AbortSignal,
): Promise<never> {
  while (true) {
    const before = ledger.ended;
    await delay(STANDSTILL_MS, signal);
    if (ledger.ended === before && before < ledger.calls) {
      throw new Error(`no call has ended for ${STANDSTILL_MS} ms`);
    }
  }
}

/** Nothing is left: in queues, in channels, in the tables of processes. */
async function checkEnd(world: World): Promise<void> {
  const { rabbitMq, ledger } = world;
  await expectSoon(ledger, "the request queue is empty", async () => {
    return (await messagesByQueue(rabbitMq)).get(QUEUE) === 0;
  });
  await expectSoon(ledger, "no channel is left behind", async () => {
    const channels = await channelsByConnection(rabbitMq);
    return channels.every((count) => count <= MOST_CHANNELS);
  });
  for (const client of world.clients) {
    await client.closeStdin();
    await expectEnd(world, client, QUIET_MS);
  }
  await Promise.all(world.servers.map((server) => drain(world, server)));
  await expectSoon(ledger, "no queue but the request queue", async () => {
    const queues = await messagesByQueue(rabbitMq);
    return queues.size === 1 && queues.get(QUEUE) === 0;
  });
}

async function expectSoon(
  ledger: Ledger,
  what: string,
  probe: () => Promise<boolean>,
): Promise<void> {
  try {
    await waitUntil(what, probe, QUIET_MS);
  } catch (error) {
    ledger.violation(`not so at the end: ${error}`);
  }
}
