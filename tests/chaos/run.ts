// One chaos run, from its plan to its verdict.

import { delay } from "../../src/async/delay.ts";
import { waitUntil } from "../support/wait.ts";
import { leftovers, type Remains } from "../rules/leftovers.ts";
import { channelsByConnection, queueStates } from "./broker.ts";
import { cause, drain, expectEnd } from "./faults.ts";
import { Ledger } from "./ledger.ts";
import { type Fault, type FaultCounts, LANES, makePlan } from "./plan.ts";
import { Troubles } from "./troubles.ts";
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
  const { calls, queueType } = options;
  const ledger = new Ledger(calls, new Troubles(queueType));
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
  const { clients, servers, ledger } = world;
  await expectNothingLeft(ledger, () => whileOpen(world));
  for (const client of clients) {
    await client.closeStdin();
    await expectEnd(world, client, QUIET_MS);
  }
  await Promise.all(servers.map((server) => drain(world, server)));
  await expectNothingLeft(ledger, () => onceClosed(world));
}

/** The broker has so long to notice what has ended. */
async function expectNothingLeft(
  ledger: Ledger,
  look: () => Promise<Remains>,
): Promise<void> {
  let left: string[] = [];
  try {
    await waitUntil("nothing is left", async () => {
      left = leftovers(await look());
      return left.length === 0;
    }, QUIET_MS);
  } catch (error) {
    if (left.length === 0) ledger.violation(`no look at the end: ${error}`);
    for (const what of left) ledger.violation(`nothing is left: ${what}`);
  }
}

async function whileOpen({ rabbitMq, servers }: World): Promise<Remains> {
  const queues = await queueStates(rabbitMq);
  const channels = await channelsByConnection(rabbitMq);
  return {
    tables: [],
    queues: queues.filter(({ name }) => name === QUEUE)
      .map((queue) => ({ ...queue, servers: servers.length })),
    channels: channels.map((count, i) => [`connection ${i + 1}`, count]),
    mostChannels: MOST_CHANNELS,
  };
}

async function onceClosed({ rabbitMq, tables }: World): Promise<Remains> {
  const queues = await queueStates(rabbitMq);
  const request = queues.filter(({ name }) => name === QUEUE);
  const what = "queues of processes that have ended";
  const count = queues.length - request.length;
  return {
    tables: [...tables, { name: "the broker", what, count }],
    queues: request.map((queue) => ({ ...queue, servers: 0 })),
    channels: [],
    mostChannels: 0,
  };
}
