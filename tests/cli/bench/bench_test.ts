// What bench measures and prints; against the development broker.

import assert from "node:assert/strict";
import { parseExpectations } from "../../../src/cli/bench/expectation.ts";
import { htmlReport } from "../../../src/cli/bench/html_report.ts";
import { Measurement } from "../../../src/cli/bench/measurement.ts";
import { roundTicks } from "../../../src/cli/bench/plots.ts";
import { summarize, type Summary } from "../../../src/cli/bench/summary.ts";
import { RpcError } from "../../../src/rpc/errors.ts";
import { startBroker } from "../../../src/broker/broker.ts";
import { test } from "../../support/needs.ts";
import { run, start } from "../../support/program.ts";

Deno.test("percentiles, bars and errors of what was measured", () => {
  const measured = new Measurement();
  measured.start();
  for (let ms = 1; ms <= 100; ms++) measured.succeeded(0, ms);
  measured.failed(new RpcError("aborted", "x"));
  measured.stop();
  assert.equal(measured.replies, 100);
  assert.deepEqual(measured.errorsByCode, { aborted: 1 });
  assert.ok(Math.abs(measured.percentileMs(50) - 50) < 0.1);
  assert.ok(Math.abs(measured.percentileMs(99) - 99) < 0.1);
  assert.ok(Math.abs(measured.maxMs - 100) < 0.1);
  const bars = measured.bars(10);
  assert.equal(bars.reduce((sum, { count }) => sum + count, 0), 100);
  assert.deepEqual(new Measurement().bars(10), []);
});

Deno.test("the axes have round numbers, up to all that is shown", () => {
  assert.deepEqual(roundTicks(0), [0, 1]);
  assert.deepEqual(roundTicks(62_500), [0, 20_000, 40_000, 60_000, 80_000]);
  assert.deepEqual(roundTicks(0.5), [0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  for (const most of [0.00123, 0.7, 1, 3, 99.5, 1e9 + 1]) {
    const ticks = roundTicks(most);
    assert.ok(ticks.at(-1)! >= most && ticks.at(-2)! < most, `${ticks}`);
    assert.ok(ticks.length <= 6, `${ticks}`);
  }
});

Deno.test("a page shows any name as it is, and a run without replies", () => {
  const measured = new Measurement();
  measured.start();
  measured.failed(new RpcError("not_found", "x"));
  measured.stop();
  const setup = { queue: "<b>&", concurrency: 1, sizeBytes: 2 };
  const page = htmlReport(summarize(setup, measured), measured, "program");
  assert.match(page, /<h1>rabbit-rpc bench: &lt;b&gt;&amp;<\/h1>/);
  assert.match(page, /1 \(1 not_found\)/);
  assert.doesNotMatch(page, /NaN|Infinity|undefined|null/);
});

Deno.test("expectations are read, and held against the figures", () => {
  const summary = { p99_ms: 40, errors: 0, calls_per_second: 1000 } as Summary;
  const holds = (text: string) =>
    parseExpectations(text).every((expectation) => expectation.holds(summary));
  assert.equal(holds("p99<50ms"), true);
  assert.equal(holds("p99<40ms"), false);
  assert.equal(holds("p99<=40ms, errors<=0, rate>=1000"), true);
  assert.equal(holds("rate>1000"), false);
  for (const bad of ["", "p99", "p98<1ms", "p99<5", "rate>fast", "p99=1ms"]) {
    assert.throws(() => parseExpectations(bad), Error, bad);
  }
});

/** A queue that is served, and `bench` on it. */
async function served(use: (bench: Bench) => Promise<void>): Promise<void> {
  await using broker = await startBroker();
  const queue = ["-u", broker.url, "q"];
  await using server = await start(["server", ...queue, "--builtin", "echo"]);
  await server.waitFor("Awaiting RPC requests on q");
  await use((...args) => run(["bench", ...queue, ...args]));
}
/** A whole program has to start first. */
const PATIENT = { timeoutMs: 30_000 };
type Bench = (...args: string[]) => ReturnType<typeof run>;

test("bench --format json: one line, all calls counted", () =>
  served(async (bench) => {
    const args = ["--calls", "500", "--size", "100", "--format", "json"];
    const { code, stdout, stderr } = await bench(...args);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(stdout.split("\n").length, 2);
    const {
      calls,
      errors,
      size_bytes,
      p50_ms,
      p90_ms,
      p99_ms,
      max_ms,
      seconds,
    } = JSON.parse(stdout);
    assert.deepEqual([calls, errors, size_bytes], [500, 0, 100]);
    assert.ok(p50_ms > 0 && p50_ms <= p90_ms && p90_ms <= p99_ms);
    assert.ok(p99_ms <= max_ms && max_ms <= seconds * 1000);
  }));

test("bench --stream: items, and the time to the first one", async () => {
  await using broker = await startBroker();
  const queue = ["-u", broker.url, "q"];
  const command = ["--stream=lines", "--", "seq", "10"];
  await using server = await start(["server", ...queue, ...command]);
  await server.waitFor("Awaiting RPC requests on q");
  const load = ["--stream", "5", "--calls", "4", "-c", "2", "--warmup", "1"];
  const args = ["bench", ...queue, ...load, "--format", "json"];
  const { code, stdout } = await run(args);
  assert.equal(code, 0);
  const summary = JSON.parse(stdout);
  assert.deepEqual([summary.calls, summary.items], [4, 20]);
  assert.ok(summary.items_per_second > 0);
  assert.ok(summary.first_item_p50_ms > 0);
  assert.ok(summary.first_item_p50_ms <= summary.max_ms + 1);
});

test("bench --rate: no faster than asked for", () =>
  served(async (bench) => {
    const rate = ["--rate", "200", "--duration", "1s", "--warmup", "0"];
    const { code, stdout } = await bench(...rate, "--format", "json");
    const { calls, seconds } = JSON.parse(stdout);
    assert.equal(code, 0);
    assert.equal(calls, 200);
    assert.ok(seconds >= 0.99, `${seconds}`);
  }));

test("bench --expect sets the status", () =>
  served(async (bench) => {
    const calls = ["--calls", "50"];
    assert.equal((await bench(...calls, "--expect", "errors<=0")).code, 0);
    const { code, stderr } = await bench(
      ...calls,
      "--expect",
      "max<1ms,rate>1",
    );
    assert.match(stderr, /^rabbit-rpc: expected max<1ms, measured [\d.]+\n$/);
    assert.equal(code, 1);
  }));

test("bench as text and as a page that needs nothing else", () =>
  served(async (bench) => {
    const text = await bench("--calls", "50");
    assert.match(text.stdout, /^50 calls of 2 bytes to q, 50 in flight\n/);
    assert.match(text.stdout, /█/);
    const { stdout } = await bench("--calls", "50", "--format", "html");
    assert.match(stdout, /^<!doctype html>/);
    assert.equal(stdout.match(/<svg /g)!.length, 3);
    assert.doesNotMatch(stdout, /<script|https?:|src=/);
  }));

test("bench without a server says so before it measures", async () => {
  await using broker = await startBroker();
  const args = ["bench", "-u", broker.url, "nothing", "--calls", "10"];
  const { code, stdout, stderr } = await run(args);
  assert.match(stderr, /^rabbit-rpc: no queue "nothing"/);
  assert.deepEqual([code, stdout], [69, ""]);
});

test("bench told to stop reports what it has measured, at once", async () => {
  await using broker = await startBroker();
  const queue = ["-u", broker.url, "q"];
  await using server = await start(["server", ...queue, "--builtin", "sleep"]);
  await server.waitFor("Awaiting RPC requests on q");
  const paced = ["--body", "0", "--rate", "0.001"];
  const waiting = ["--body", "60000"];
  for (
    const [flags, signal, status, calls] of [
      [paced, "SIGINT", 130, 1],
      [waiting, "SIGTERM", 143, 0],
    ] as const
  ) {
    const args = ["--warmup", "0", "-v", "--format", "json", ...flags];
    await using bench = await start(["bench", ...queue, ...args]);
    await bench.waitFor("connected", "stderr");
    if (calls === 0) {
      await broker.waitFor(
        () => broker.queue("q")?.unacknowledged === 50,
        PATIENT,
      );
    } else await server.waitFor(" [.]");
    await broker.waitFor(() => broker.queue("q")?.ready === 0, PATIENT);
    bench.kill(signal);
    const { code, stdout } = await bench.result(10_000);
    assert.equal(code, status);
    const report = JSON.parse(stdout);
    assert.ok(report.calls <= calls && report.errors === 0, stdout);
    // The server hears of what was called off.
    await broker.waitFor(
      () => broker.queue("q")?.unacknowledged === 0,
      PATIENT,
    );
  }
});

test("bench told to stop while it warms up has nothing to report", async () => {
  await using broker = await startBroker();
  const queue = ["-u", broker.url, "q"];
  await using server = await start(["server", ...queue, "--builtin", "sleep"]);
  await server.waitFor("Awaiting RPC requests on q");
  await using bench = await start(["bench", ...queue, "--body", "60000"]);
  await broker.waitFor(() => broker.queue("q")?.unacknowledged === 50, PATIENT);
  bench.kill("SIGINT");
  const { code, stdout, stderr } = await bench.result(10_000);
  assert.deepEqual([code, stdout], [130, ""]);
  assert.equal(stderr, "rabbit-rpc: stopped before the measurement began\n");
});
