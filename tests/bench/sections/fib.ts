// The tutorial's fib: beside the tutorial's server.

import { pythonMissing, startPythonServer } from "../../support/peers.ts";
import { startOurClient, startOurServer } from "../contenders.ts";
import type { Participant } from "../pair.ts";
import type { Table } from "../report.ts";
import type { Scene } from "../scene.ts";
import { takeTurns, withPairs } from "../turns.ts";

const WORKERS = 2;
/** Enough that no worker ever waits for its next request. */
const CONCURRENCY = 16;

const OURS: Participant = {
  name: `rabbit-rpc server --builtin fib --workers ${WORKERS}`,
  startServer: (url, queue) =>
    startOurServer(url, queue, ["fib", "--workers", String(WORKERS)]),
  startClient: startOurClient,
};

/** In the manner of tutorial six: one process, recursive Python, prefetch 1. */
const TUTORIAL: Participant = {
  name: "the tutorial's server in Python, on pika",
  startServer: (url, queue) =>
    startPythonServer("pika", url, queue, { durable: true }),
  startClient: startOurClient,
};

/** One table. */
export async function fib(scene: Scene): Promise<Table[]> {
  const { amounts: { calls, seconds, fib: n }, say } = scene;
  const [broker] = scene.brokers;
  say(`fib(${n}) on ${broker.name}`);
  const missing = pythonMissing("pika");
  if (missing !== undefined) say(`left out: ${TUTORIAL.name}: ${missing}`);
  const servers = missing === undefined ? [OURS, TUTORIAL] : [OURS];
  const load = { calls, seconds, concurrency: CONCURRENCY, body: String(n) };
  const outcomes = await withPairs(
    servers,
    broker,
    load,
    (pairs) => takeTurns(pairs, load, scene),
  );
  const ours = outcomes[0].run.callsPerSecond;
  return [{
    title: `fib(${n}) on ${broker.name}, ${CONCURRENCY} in flight`,
    note: "The client is the same for both.",
    columns: [
      { key: "server", title: "server" },
      { key: "callsPerSecond", title: "calls/s", digits: 1 },
      { key: "times", title: "rabbit-rpc is × faster", digits: 1 },
    ],
    rows: outcomes.map(({ name, run: { callsPerSecond } }) => ({
      server: name,
      callsPerSecond,
      times: ours / callsPerSecond,
    })),
  }];
}
