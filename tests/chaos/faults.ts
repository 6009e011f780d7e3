// The faults, one function each. Each returns when the fault is over and has
// really happened, and throws where it could not be caused; all is then as it
// was, so that it may be tried again.

import { delay } from "../../src/async/delay.ts";
import { waitUntil } from "../support/wait.ts";
import {
  closeChannel,
  deleteCallbackQueue,
  deleteQueue,
  leaderOf,
} from "./broker.ts";
import type { Fault, FaultKind } from "./plan.ts";
import type { ChaosProcess } from "./process.ts";
import { CLIENT_PREFIX, QUEUE, type World } from "./world.ts";

/** Time for a connection to come back. */
const APPEAR_MS = 20_000;
/** Time for a server to drain: its grace, and more. */
const DRAIN_MS = 40_000;
/** Time for somebody to publish, and be told that it can't be. */
const BLOCKED_MS = 20_000;

const FAULTS: Record<FaultKind, (world: World, fault: Fault) => Promise<void>> =
  {
    "kill-server": killServer,
    "term-server": termServer,
    "cut": cut,
    "stall": stall,
    "refuse": refuse,
    "restart-broker": restartBroker,
    "kill-broker": killBroker,
    "delete-request-queue": deleteRequestQueue,
    "delete-callback-queue": deleteACallbackQueue,
    "close-channel": closeAChannel,
    "alarm": alarm,
    "lose-leader": loseLeader,
  };

/** Tries to cause a fault, before it counts as not caused. */
const TRIES = 3;

/** Causes a fault; one that can't be caused is counted, and the run goes on. */
export async function cause(world: World, fault: Fault): Promise<void> {
  const { ledger } = world;
  const end = ledger.troubles.begin(fault.kind);
  for (let tries = 1;; tries++) {
    try {
      await FAULTS[fault.kind](world, fault);
      ledger.fault(fault.kind);
      break;
    } catch (error) {
      if (tries < TRIES) continue;
      ledger.notCaused(`${fault.kind}: ${error}`);
      break;
    }
  }
  end();
}

async function killServer(world: World, { pick }: Fault): Promise<void> {
  const slot = Math.floor(pick * world.servers.length);
  const server = world.servers[slot]!;
  server.kill("SIGKILL");
  const { signal } = await server.ended;
  world.startServer(slot);
  if (signal !== "SIGKILL") throw new Error(`${server.name} was not killed`);
}

async function termServer(world: World, { pick }: Fault): Promise<void> {
  const slot = Math.floor(pick * world.servers.length);
  const server = world.servers[slot]!;
  // Its successor comes first, as when a new version is rolled out.
  world.startServer(slot);
  await drain(world, server);
}

/** Tells a server to stop; it has to end well, and in time. */
export async function drain(world: World, server: ChaosProcess): Promise<void> {
  server.kill("SIGTERM");
  await expectEnd(world, server, DRAIN_MS);
}

/** A process that was told to end has to do so well, and in time. */
export async function expectEnd(
  { ledger }: World,
  process: ChaosProcess,
  timeoutMs: number,
): Promise<void> {
  const timer = setTimeout(() => process.kill("SIGKILL"), timeoutMs);
  const { success, code, signal } = await process.ended;
  clearTimeout(timer);
  if (success) return;
  ledger.violation(
    `${process.name} ended with ${signal ?? code}, ` +
      `told to end ${timeoutMs} ms ago at most\n${process.stderrTail}`,
  );
}

async function cut(world: World, { side }: Fault): Promise<void> {
  const proxies = world.proxies(side);
  await waitUntil(
    "a connection to cut",
    () => proxies.some(({ connections }) => connections > 0),
    APPEAR_MS,
  );
  for (const proxy of proxies) proxy.cut();
}

async function stall(world: World, fault: Fault): Promise<void> {
  const proxies = world.proxies(fault.side);
  for (const proxy of proxies) proxy.stall(fault.direction);
  await delay(fault.lengthMs);
  for (const proxy of proxies) proxy.resume();
}

/** New connections are refused while the old ones are cut. */
async function refuse(world: World, { side, lengthMs }: Fault): Promise<void> {
  const proxies = world.proxies(side);
  for (const proxy of proxies) {
    await proxy.refuse(true);
    proxy.cut();
  }
  await delay(lengthMs);
  for (const proxy of proxies) await proxy.refuse(false);
}

async function restartBroker(
  { rabbitMq }: World,
  { lengthMs }: Fault,
): Promise<void> {
  await rabbitMq.stop();
  await delay(lengthMs);
  await rabbitMq.start();
}

async function killBroker(
  { rabbitMq }: World,
  { lengthMs }: Fault,
): Promise<void> {
  await rabbitMq.kill();
  await delay(lengthMs);
  await rabbitMq.start();
}

/** Kills the node of the request queue's leader; the others elect another. */
async function loseLeader(
  world: World,
  { lengthMs }: Fault,
): Promise<void> {
  const leader = await leaderOf(world.rabbitMq, QUEUE);
  const comeBack = await world.killNode(leader);
  await delay(lengthMs);
  await comeBack();
}

async function deleteRequestQueue({ rabbitMq }: World): Promise<void> {
  await deleteQueue(rabbitMq, QUEUE);
}

async function deleteACallbackQueue(
  { rabbitMq }: World,
  { pick }: Fault,
): Promise<void> {
  await deleteCallbackQueue(rabbitMq, CLIENT_PREFIX, pick);
}

async function closeAChannel(
  { rabbitMq }: World,
  { pick }: Fault,
): Promise<void> {
  await closeChannel(rabbitMq, pick);
}

async function alarm(world: World, { lengthMs }: Fault): Promise<void> {
  const { blocked, rabbitMq } = world;
  await rabbitMq.blockPublishers();
  await world.allowMore();
  const late = new AbortController();
  try {
    await Promise.race([
      blocked,
      delay(BLOCKED_MS, late.signal).then(() => {
        throw new Error("the alarm blocked nobody");
      }),
    ]);
    await delay(lengthMs);
  } finally {
    late.abort();
    await rabbitMq.unblockPublishers();
  }
}
