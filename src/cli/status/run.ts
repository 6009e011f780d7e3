/**
 * Shows the state once, or again and again.
 *
 * @module
 */
import { paintFor } from "../stdio/color.ts";
import { brokerUrl } from "../../amqp/broker_address.ts";
import { AmqpTransport } from "../../amqp/transport.ts";
import { delay } from "../../async/delay.ts";
import { queueName } from "../../rpc/limits.ts";
import { formatMs } from "../../rpc/texts.ts";
import { reportConnection } from "../connection/events.ts";
import { connectOptions, settingsFor } from "../connection/settings.ts";
import { callError } from "../call_error.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { writeStdout } from "../stdio/streams.ts";
import { onStopSignal, stoppedStatus } from "../signals.ts";
import type { StatusFlags } from "./flags.ts";
import { lacksServer, type Look, look, lookJson } from "./look.ts";
import { LiveTable, tableLines } from "./table.ts";

const encoder = new TextEncoder();

/** What to look at. */
interface Target {
  readonly transport: AmqpTransport;
  /** The URL of the broker, or of all that are tried. */
  readonly url: string;
  readonly queues: readonly string[];
  readonly timeoutMs: number;
}

/** Shows the state and returns the exit status. */
export async function runStatus(
  queues: string[],
  flags: StatusFlags,
): Promise<number> {
  const options = await connectOptions(flags, "status", (event) => {
    // The table shows it, and a log line would break the table.
    if (!flags.watch) reportConnection(event, flags);
  });
  const settings = settingsFor(flags, options);
  await using transport = new AmqpTransport(settings);
  const target = {
    transport,
    url: settings.brokers.map(brokerUrl).join(","),
    queues: queues.map((queue) => queueName(queue)),
    timeoutMs: flags.timeout,
  };
  return flags.watch
    ? await watch(target, flags)
    : await lookOnce(target, flags);
}

async function lookOnce(target: Target, flags: StatusFlags): Promise<number> {
  const seen = await lookInTime(target).catch((error) => {
    throw explained(error, target);
  });
  await printer(flags)(seen);
  if (seen.queues.some(lacksServer)) return EXIT.noServer;
  const isUntold = seen.queues.some(({ error }) => error !== undefined);
  return isUntold ? EXIT.refused : EXIT.ok;
}

async function watch(target: Target, flags: StatusFlags): Promise<number> {
  const stopping = new AbortController();
  const { signal } = stopping;
  using _signals = onStopSignal((_, signal) => stopping.abort(signal));
  const print = flags.json || !Deno.stdout.isTerminal()
    ? printer(flags)
    : livePrinter(flags);
  try {
    while (true) {
      await print(await lookOrWhyNot(target, signal));
      await delay(flags.interval, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return stoppedStatus(signal.reason);
  }
}

/** A broker that is down may come back; one that refuses us will not relent. */
async function lookOrWhyNot(
  target: Target,
  signal: AbortSignal,
): Promise<Look> {
  try {
    return await lookInTime(target, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    const error = explained(thrown, target);
    if (error.status !== EXIT.broker && error.status !== EXIT.timedOut) {
      throw error;
    }
    const { message } = thrown as Error;
    return {
      broker: { url: target.url, error: message.replace(/\.$/, "") },
      queues: target.queues.map((queue) => ({ queue })),
    };
  }
}

/**
 * Connects if necessary, and looks.
 *
 * @throws the signal's reason when it is aborted.
 */
async function lookInTime(
  { transport, queues, timeoutMs }: Target,
  signal?: AbortSignal,
): Promise<Look> {
  const seen = new AbortController();
  const ended = AbortSignal.any([seen.signal, ...(signal ? [signal] : [])]);
  const tooLate = delay(timeoutMs, ended).then(() => {
    throw new CliError(
      EXIT.timedOut,
      `the broker did not answer within ${formatMs(timeoutMs)}.`,
    );
  });
  const looking = transport.connection().then((connection) =>
    look(connection, queues)
  );
  try {
    return await Promise.race([looking, tooLate]);
  } finally {
    seen.abort();
  }
}

function explained(thrown: unknown, target: Target): CliError {
  const { queues: [queue = ""], timeoutMs } = target;
  return callError(thrown, { queue, timeoutMs });
}

type Print = (look: Look) => Promise<void>;

/** Prints a table, with an empty line after it, or a line of JSON. */
function printer({ json, watch, color }: StatusFlags): Print {
  const paint = paintFor("stdout", color);
  return async (look) => {
    const lines = json ? [lookJson(look)] : tableLines(look, paint);
    if (watch && !json) lines.push("");
    await writeText(lines.map((line) => `${line}\n`).join(""));
  };
}

/** Prints a table that is redrawn in place. */
function livePrinter({ color }: StatusFlags): Print {
  const table = new LiveTable();
  const paint = paintFor("stdout", color);
  return async (look) => {
    // Some terminals do not know their size, and say 0.
    const rows = Deno.consoleSize().rows || Infinity;
    await writeText(table.draw(tableLines(look, paint), rows));
  };
}

async function writeText(text: string): Promise<void> {
  await writeStdout(encoder.encode(text));
}
