// What a call costs us as more of them are in flight.

import { runProcess } from "../../support/process.ts";
import { onDeno } from "../contenders.ts";
import type { Row, Table } from "../report.ts";
import type { Scene } from "../scene.ts";
import { takeTurns, withPairs } from "../turns.ts";

const BYTES_PER_KIB = 1024;

/** A table of loads, and one of waiting calls. */
export async function growth(scene: Scene): Promise<Table[]> {
  scene.say(`growth on ${scene.brokers[0].name}`);
  return [await loads(scene), await waitingCalls(scene)];
}

async function loads(scene: Scene): Promise<Table> {
  const { amounts: { calls, seconds, growth } } = scene;
  const [broker] = scene.brokers;
  const [ours] = scene.contenders;
  const rows: Row[] = [];
  for (const concurrency of growth) {
    const load = { calls, seconds, concurrency, body: "30" };
    // New processes for each load, since memory is told at its peak.
    const [{ run }] = await withPairs(
      [ours],
      broker,
      load,
      (pairs) => takeTurns(pairs, load, scene),
    );
    rows.push({ concurrency, ...run });
  }
  return {
    title: `As work grows: rabbit-rpc on ${broker.name}, echo of 2 bytes`,
    columns: [
      { key: "concurrency", title: "in flight" },
      { key: "callsPerSecond", title: "calls/s" },
      { key: "p50Ms", title: "p50 ms", digits: 2 },
      { key: "p99Ms", title: "p99 ms", digits: 2 },
      { key: "clientUs", title: "client CPU µs/call" },
      { key: "serverUs", title: "server CPU µs/call" },
      { key: "clientMiB", title: "client peak MiB" },
      { key: "serverMiB", title: "server peak MiB" },
    ],
    rows,
  };
}

async function waitingCalls(scene: Scene): Promise<Table> {
  const calls = Math.max(...scene.amounts.growth);
  const { heap, buffers } = await pendingBytes(scene.brokers[0].url, calls);
  return {
    title: "Memory that a waiting call holds in the client",
    columns: [
      { key: "calls", title: "calls that wait" },
      { key: "heapKib", title: "KiB each on the heap", digits: 1 },
      { key: "buffersKib", title: "KiB each in buffers", digits: 1 },
    ],
    rows: [{
      calls,
      heapKib: heap / BYTES_PER_KIB,
      // What was held before may be given back meanwhile.
      buffersKib: Math.max(buffers, 0) / BYTES_PER_KIB,
    }],
  };
}

/** What one of so many calls holds in the client while it waits. */
async function pendingBytes(
  url: string,
  calls: number,
): Promise<{ heap: number; buffers: number }> {
  const script = `${import.meta.dirname}/../pending_memory.ts`;
  const [command, ...args] = onDeno(script, "--v8-flags=--expose-gc");
  const all = [...args, url, String(calls)];
  const { code, stdout, stderr } = await runProcess(command, all);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
