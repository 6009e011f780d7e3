// Echo, beside other people's libraries.

import type { BenchBroker } from "../brokers.ts";
import type { Load } from "../load.ts";
import type { Pair } from "../pair.ts";
import type { Row, Table } from "../report.ts";
import type { Scene } from "../scene.ts";
import { type Outcome, takeTurns, withPairs } from "../turns.ts";

/** What a crash or a full broker may cost, and so what the work is worth. */
const GUARANTEES: Table = {
  title: "What each of them does",
  note:
    "All use one durable classic queue, transient messages, a prefetch of " +
    "256 and one exclusive callback queue without acknowledgements. The peers " +
    "do no more than their users usually have them do.",
  columns: [
    { key: "contender", title: "" },
    { key: "request", title: "request" },
    { key: "reply", title: "reply" },
    { key: "acknowledged", title: "request is acknowledged" },
    { key: "deadline", title: "deadline" },
  ],
  rows: [
    {
      contender: "rabbit-rpc",
      request: "mandatory, expires; confirmed until its queue answers",
      reply: "mandatory, confirmed",
      acknowledged: "after the reply's confirm, several at once",
      deadline: "30 s, each call",
    },
    {
      contender: "peers",
      request: "plain",
      reply: "plain",
      acknowledged: "after the reply is written, each",
      deadline: "none",
    },
  ],
};

/** A table for each broker. */
export async function rpc(scene: Scene): Promise<Table[]> {
  const tables: Table[] = [];
  for (const broker of scene.brokers) {
    tables.push(await onBroker(broker, scene));
  }
  return [...tables, GUARANTEES];
}

async function onBroker(broker: BenchBroker, scene: Scene): Promise<Table> {
  const { amounts: { calls, seconds, size, concurrency }, say } = scene;
  say(`echo on ${broker.name}`);
  const body = "x".repeat(size);
  const loads = concurrency.map((concurrency): Load => {
    return { calls, seconds, concurrency, body };
  });
  const measure = async (pairs: Pair[]) => {
    const rows: Row[] = [];
    for (const load of loads) {
      const outcomes = await takeTurns(pairs, load, scene);
      rows.push(...rowsOf(outcomes, load.concurrency));
    }
    return rows;
  };
  return {
    title: `Echo on ${broker.name}, bodies of ${size} bytes`,
    columns: [
      { key: "concurrency", title: "in flight" },
      { key: "contender", title: "" },
      { key: "callsPerSecond", title: "calls/s" },
      { key: "times", title: "rabbit-rpc is × faster", digits: 2 },
      { key: "p50Ms", title: "p50 ms", digits: 2 },
      { key: "p99Ms", title: "p99 ms", digits: 2 },
      { key: "clientUs", title: "client CPU µs/call" },
      { key: "serverUs", title: "server CPU µs/call" },
    ],
    rows: await withPairs(scene.contenders, broker, loads.at(-1)!, measure),
  };
}

function rowsOf(outcomes: Outcome[], concurrency: number): Row[] {
  const ours = outcomes[0].run.callsPerSecond;
  return outcomes.map(({ name, run }) => {
    const { callsPerSecond, p50Ms, p99Ms, clientUs, serverUs } = run;
    return {
      concurrency,
      contender: name,
      callsPerSecond,
      times: ours / callsPerSecond,
      p50Ms,
      p99Ms,
      clientUs,
      serverUs,
    };
  });
}
