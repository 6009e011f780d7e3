// Echo of small and large bodies.

import type { Row, Table } from "../report.ts";
import type { Scene } from "../scene.ts";
import { takeTurns, withPairs } from "../turns.ts";

/** Large bodies in flight are memory in the broker as well. */
const CONCURRENCY = 16;

/** A table of all contenders. */
export async function sizes(scene: Scene): Promise<Table[]> {
  const { amounts: { calls, seconds, sizes }, contenders, say } = scene;
  const [broker] = scene.brokers;
  const rows: Row[] = [];
  for (const size of sizes) {
    say(`bodies of ${size} bytes on ${broker.name}`);
    const body = "x".repeat(size);
    const load = { calls, seconds, concurrency: CONCURRENCY, body };
    // New processes for each size, since memory is told at its peak.
    const outcomes = await withPairs(
      contenders,
      broker,
      load,
      (pairs) => takeTurns(pairs, load, scene),
    );
    for (const { name, run } of outcomes) {
      const { callsPerSecond, p50Ms, clientMiB, serverMiB } = run;
      const mibPerSecond = callsPerSecond * size / 2 ** 20;
      const figures = { callsPerSecond, mibPerSecond, p50Ms };
      rows.push({ size, contender: name, ...figures, clientMiB, serverMiB });
    }
  }
  return [{
    title: `Bodies, echo on ${broker.name}, ${CONCURRENCY} in flight`,
    columns: [
      { key: "size", title: "bytes" },
      { key: "contender", title: "" },
      { key: "callsPerSecond", title: "calls/s" },
      { key: "mibPerSecond", title: "MiB/s each way", digits: 1 },
      { key: "p50Ms", title: "p50 ms", digits: 2 },
      { key: "clientMiB", title: "client peak MiB" },
      { key: "serverMiB", title: "server peak MiB" },
    ],
    rows,
  }];
}
