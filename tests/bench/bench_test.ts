// The suite itself, in short: every section, on the development broker and on
// RabbitMQ, with whichever peers are here.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { slowTest } from "../support/needs.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import type { Row, Table } from "./report.ts";

const ROOT = resolve(import.meta.dirname!, "../..");
const TIMEOUT_MS = 180_000;

/** Runs the task as a user would. */
async function bench(...args: string[]) {
  const task = ["task", "--quiet", "bench", "--", "--quick", ...args];
  const options = { cwd: ROOT, timeoutMs: TIMEOUT_MS };
  const result = await runProcess(Deno.execPath(), task, options);
  assert.equal(result.code, 0, result.stderr);
  return result;
}

/** Every figure of a section has to be there, and to be one. */
function figures(tables: Table[]): Row[] {
  const rows = tables.flatMap(({ columns, rows }) =>
    rows.map((row) => ({ row, columns }))
  );
  assert.ok(rows.length > 0);
  for (const { row, columns } of rows) {
    for (const { key } of columns) {
      const isThere = typeof row[key] === "string" || Number(row[key]) >= 0;
      assert.ok(isThere, `${key} of ${JSON.stringify(row)}`);
    }
  }
  return rows.map(({ row }) => row);
}

slowTest("every section measures us, on the development broker", async () => {
  const flags = ["--broker", "own", "--peers", "none", "--json"];
  const { stdout } = await bench(...flags);
  const { command, where, sections } = JSON.parse(stdout);
  assert.match(command, /--quick --broker own/);
  assert.match(where["servers and peers"], /^rabbit-rpc /);
  assert.deepEqual(
    Object.keys(sections),
    ["micro", "rpc", "sizes", "growth", "fib", "startup"],
  );
  for (const tables of Object.values<Table[]>(sections)) figures(tables);
  const [echo] = sections.rpc as Table[];
  assert.deepEqual(echo.rows.map((row) => row.concurrency), [1, 16]);
  assert.ok(echo.rows.every((row) => Number(row.callsPerSecond) > 20));
});

slowTest("told to stop, it ends what it has started", async () => {
  const main = `${import.meta.dirname}/main.ts`;
  const flags = ["--only", "growth", "--broker", "own", "--peers", "none"];
  const args = ["run", "--allow-all", main, "--seconds", "1", ...flags];
  await using suite = startProcess(Deno.execPath(), args);
  await suite.waitFor("round 1", "stderr");
  const children = await childrenOf(suite.pid);
  assert.equal(children.length, 3, "a broker, a server and a client");
  suite.kill("SIGTERM");
  const { code, stdout } = await suite.result();
  assert.deepEqual([code, stdout], [130, ""]);
  for (const pid of children) {
    assert.throws(() => Deno.kill(pid, "SIGTERM"), Deno.errors.NotFound);
  }
});

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await runProcess("pgrep", ["--parent", `${pid}`]);
  return stdout.trim().split(/\s+/).map(Number);
}

rabbitMqTest(
  "peers that are here take part, the others are named",
  { slow: true },
  async () => {
    const flags = ["--broker", "rabbitmq", "--only", "rpc"];
    const { stdout, stderr } = await bench(...flags, "--concurrency", "4");
    assert.match(stdout, /^\*\*Echo on RabbitMQ, bodies of 2 bytes\*\*$/m);
    for (const name of ["pika", "aio-pika", "amqplib", "amqp091-go"]) {
      const measured = new RegExp(`^\\| +4 \\| ${name} +\\| +[\\d,]+ \\|`, "m");
      if (stderr.includes(`left out: ${name}: `)) continue;
      assert.match(stdout, measured);
    }
  },
);
