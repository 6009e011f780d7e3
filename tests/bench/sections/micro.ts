// The parts that every call passes through, each alone: `deno bench` of
// tests/bench/micro.

import { resolve } from "node:path";
import { runProcess } from "../../support/process.ts";
import type { Row, Table } from "../report.ts";

const ROOT = resolve(import.meta.dirname!, "../../..");
const TIMEOUT_MS = 300_000;

/** What `deno bench --json` prints; times in ns. */
interface BenchOutput {
  benches: {
    group: string;
    name: string;
    results: { ok?: { avg: number; p75: number; p99: number } }[];
  }[];
}

/** One table; needs no broker. */
export async function micro(): Promise<Table[]> {
  const args = ["bench", "--quiet", "--json", "--config", `${ROOT}/deno.json`];
  const { code, stdout, stderr } = await runProcess(
    Deno.execPath(),
    [...args, `${import.meta.dirname}/../micro`],
    { timeoutMs: TIMEOUT_MS },
  );
  if (code !== 0) throw new Error(`deno bench failed:\n${stderr}`);
  const output: BenchOutput = JSON.parse(stdout);
  const rows = output.benches.map(({ group, name, results }): Row => {
    const figures = results[0].ok;
    if (figures === undefined) throw new Error(`${name} failed:\n${stderr}`);
    const { avg, p75, p99 } = figures;
    return { part: group, what: name, meanNs: avg, p75Ns: p75, p99Ns: p99 };
  });
  return [{
    title: "Parts that every call passes through",
    columns: [
      { key: "part", title: "part" },
      { key: "what", title: "what" },
      { key: "meanNs", title: "mean ns", digits: 0 },
      { key: "p75Ns", title: "p75 ns", digits: 0 },
      { key: "p99Ns", title: "p99 ns", digits: 0 },
    ],
    rows,
  }];
}
