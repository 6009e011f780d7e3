// A single call as a whole process: start, connect, call, print, end.

import { callFromPython, pythonMissing } from "../../support/peers.ts";
import { runProcess } from "../../support/process.ts";
import { run, sourceCommandLine } from "../../support/program.ts";
import { startOurServer } from "../contenders.ts";
import { untilServed } from "../pair.ts";
import type { Table } from "../report.ts";
import type { Scene } from "../scene.ts";
import { median } from "../stats.ts";

interface Caller {
  name: string;
  /** Runs a whole process; gives what it printed. */
  call(url: string, queue: string, body: string): Promise<string>;
}

const BODY = "30";

const FROM_SOURCE: Caller = {
  name: "rabbit-rpc client, from source",
  async call(url, queue, body) {
    const args = ["client", "--url", url, queue, body];
    const [command, ...rest] = await sourceCommandLine(args);
    return (await runProcess(command, rest)).stdout;
  },
};

const EXECUTABLE: Caller = {
  name: "rabbit-rpc client, executable",
  call: async (url, queue, body) =>
    (await run(["client", "--url", url, queue, body])).stdout,
};

const TUTORIAL: Caller = {
  name: "the tutorial's client in Python, on pika",
  call: (url, queue, body) => callFromPython("pika", url, queue, body),
};

/** One table. */
export async function startup(scene: Scene): Promise<Table[]> {
  const { amounts: { starts }, say, signal } = scene;
  const [broker] = scene.brokers;
  say(`whole processes on ${broker.name}`);
  const callers = participants(say);
  const queue = `bench-${crypto.randomUUID()}`;
  await using server = await startOurServer(broker.url, queue, ["echo"]);
  await untilServed(broker.url, queue, server);
  const times = new Map(callers.map((caller) => [caller, [] as number[]]));
  // The first fills the disk's cache, and is not counted.
  for (let round = 0; round <= starts; round++) {
    for (const caller of callers) {
      signal.throwIfAborted();
      const startedMs = performance.now();
      const printed = await caller.call(broker.url, queue, BODY);
      const elapsedMs = performance.now() - startedMs;
      if (printed !== BODY) throw new Error(`${caller.name}: ${printed}`);
      if (round > 0) times.get(caller)!.push(elapsedMs);
    }
  }
  return [{
    title: `One call as a whole process, on ${broker.name}`,
    columns: [
      { key: "client", title: "client" },
      { key: "medianMs", title: "median ms" },
      { key: "leastMs", title: "least ms" },
    ],
    rows: callers.map((caller) => ({
      client: caller.name,
      medianMs: median(times.get(caller)!),
      leastMs: Math.min(...times.get(caller)!),
    })),
  }];
}

function participants(say: (line: string) => void): Caller[] {
  const callers = [FROM_SOURCE];
  if (Deno.env.get("RABBIT_RPC_BIN")) callers.push(EXECUTABLE);
  else say(`left out: ${EXECUTABLE.name}: RABBIT_RPC_BIN names none`);
  const missing = pythonMissing("pika");
  if (missing === undefined) callers.push(TUTORIAL);
  else say(`left out: ${TUTORIAL.name}: ${missing}`);
  return callers;
}
