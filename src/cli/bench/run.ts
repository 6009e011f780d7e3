/**
 * Runs a benchmark and writes its report.
 *
 * @module
 */
import { RpcConnection } from "../../rpc/connection.ts";
import { AmqpTransport } from "../../amqp/transport.ts";
import type { BenchFlags } from "./flags.ts";
import { connectOptions, settingsFor } from "../connection/settings.ts";
import { callError } from "../call_error.ts";
import { EXIT, exitStatusOf } from "../exit_status.ts";
import { Log } from "../log.ts";
import { LiveLine } from "../stdio/live_line.ts";
import { outputOf } from "../stdio/paths.ts";
import { cannotWrite } from "../stdio/file_errors.ts";
import { writeStderr, writeStdout } from "../stdio/streams.ts";
import { onStopSignal, stoppedStatus } from "../signals.ts";
import { VERSION } from "../version.ts";
import { htmlReport } from "./html_report.ts";
import { type LoadOptions, runLoad } from "./load.ts";
import { Measurement } from "./measurement.ts";
import { summarize, type Summary } from "./summary.ts";
import { textReport } from "./text_report.ts";

const DEFAULT_CALLS = 10_000;
const DEFAULT_STREAMS = 100;
const LIVE_INTERVAL_MS = 200;

/** Warms up, measures and reports; returns the exit status. */
export async function runBench(
  queue: string,
  flags: BenchFlags,
): Promise<number> {
  const options = await connectOptions(flags, `bench ${queue}`);
  const settings = settingsFor(flags, options);
  await using rpc = new RpcConnection(new AmqpTransport(settings));
  const stopping = new AbortController();
  let stoppedBy: Deno.Signal | undefined;
  using _signals = onStopSignal((_, signal) => {
    stopping.abort(stoppedBy ??= signal);
  });
  const load = loadOptions(queue, flags, stopping.signal);
  await warmUp(rpc, load, flags.warmup);
  if (stoppedBy !== undefined) {
    new Log(flags).info("stopped before the measurement began");
    return stoppedStatus(stoppedBy);
  }
  const measured = new Measurement();
  {
    using _live = liveLine(measured, flags);
    await runLoad(rpc, load, measured);
  }
  const setup = { ...load, sizeBytes: load.body.length };
  const summary = summarize(setup, measured);
  await writeReport(summary, measured, flags);
  return stoppedBy === undefined
    ? benchStatus(summary, measured, flags)
    : stoppedStatus(stoppedBy);
}

function loadOptions(
  queue: string,
  flags: BenchFlags,
  signal: AbortSignal,
): LoadOptions {
  const { duration: durationMs = Infinity, calls, rate, timeout } = flags;
  const defaultCalls = flags.stream ? DEFAULT_STREAMS : DEFAULT_CALLS;
  return {
    queue,
    body: flags.size === undefined
      ? new TextEncoder().encode(flags.body)
      : new Uint8Array(flags.size).fill(0x78),
    timeoutMs: timeout,
    priority: flags.priority,
    concurrency: flags.concurrency,
    calls: calls ?? (durationMs === Infinity ? defaultCalls : Infinity),
    durationMs,
    rate,
    items: flags.stream,
    signal,
  };
}

/** Not measured; but an error here would come again. */
async function warmUp(
  rpc: RpcConnection,
  load: LoadOptions,
  calls: number,
): Promise<void> {
  const measured = new Measurement();
  const warmup = {
    ...load,
    calls,
    durationMs: Infinity,
    rate: undefined,
    // Streams are left at once.
    ...(load.items && { items: 1 }),
  };
  await runLoad(rpc, warmup, measured);
  const { firstError } = measured;
  if (firstError === undefined || firstError.remote) return;
  throw callError(firstError, load);
}

function liveLine(
  measured: Measurement,
  { quiet }: { quiet?: boolean },
): Disposable {
  const live = new LiveLine(!quiet);
  const timer = setInterval(() => {
    const { replies, errors, seconds } = measured;
    const rate = Math.round((replies + errors) / seconds);
    const p99 = measured.percentileMs(99).toFixed(2);
    live.show(`${replies} replies, ${errors} errors, ${rate}/s, p99 ${p99}ms`);
  }, LIVE_INTERVAL_MS);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      live.clear();
    },
  };
}

async function writeReport(
  summary: Summary,
  measured: Measurement,
  { format, output }: BenchFlags,
): Promise<void> {
  const text = format === "json"
    ? `${JSON.stringify(summary)}\n`
    : format === "html"
    ? htmlReport(summary, measured, VERSION)
    : `${textReport(summary, measured)}\n`;
  const stream = output === undefined ? "stdout" : outputOf(output);
  const bytes = new TextEncoder().encode(text);
  if (stream === "stderr") return await writeStderr(bytes);
  if (stream === "stdout") return await writeStdout(bytes);
  try {
    await Deno.writeFile(output!, bytes);
  } catch (error) {
    throw cannotWrite(`"${output}"`, error);
  }
}

function benchStatus(
  summary: Summary,
  measured: Measurement,
  flags: BenchFlags,
): number {
  const { expect } = flags;
  const missed = expect.filter((expectation) => !expectation.holds(summary));
  const log = new Log(flags);
  for (const { text, figure } of missed) {
    log.error(`expected ${text}, measured ${figure(summary)}`);
  }
  if (missed.length > 0) return EXIT.procedureFailed;
  if (summary.errors === 0) return EXIT.ok;
  const alike = summary.errors === summary.calls;
  return alike ? exitStatusOf(measured.firstError!) : EXIT.partly;
}
