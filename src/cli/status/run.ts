/**
 * Looks once, or until it is interrupted.
 *
 * @module
 */
import { paintFor } from "../color.ts";
import { brokerUrl } from "../../amqp/options.ts";
import { AmqpTransport } from "../../amqp/transport.ts";
import { delay } from "../../async/delay.ts";
import { RpcError } from "../../rpc/errors.ts";
import { queueName } from "../../rpc/limits.ts";
import { formatMs } from "../../rpc/texts.ts";
import { reportConnection } from "../connection_events.ts";
import { settingsFor } from "../connection_settings.ts";
import { CliError, EXIT, exitStatusOf } from "../exit_status.ts";
import { connectOptions } from "../flags.ts";
import { writeStdout } from "../streams.ts";
import { sentence } from "../sentences.ts";
import { onStopSignal, stoppedStatus } from "../signals.ts";
import type { StatusFlags } from "./command.ts";
import { lacksServer, type Look, look, lookJson } from "./look.ts";
import { LiveTable, tableLines } from "./table.ts";

const encoder = new TextEncoder();

/** What is looked at. */
interface Scene {
  readonly transport: AmqpTransport;
  /** Of the broker, or of all that are tried. */
  readonly url: string;
  readonly queues: readonly string[];
  readonly timeoutMs: number;
}

/** Shows what is to be seen, and returns the exit status. */
export async function runStatus(
  queues: string[],
  flags: StatusFlags,
): Promise<number> {
  const settings = settingsFor(flags, {
    ...await connectOptions(flags),
    name: "rabbit-rpc status",
    onEvent: (event) => {
      // The table tells it, and must not be torn.
      if (!flags.watch) reportConnection(event, flags);
    },
  });
  await using transport = new AmqpTransport(settings);
  const scene = {
    transport,
    url: settings.brokers.map(brokerUrl).join(","),
    queues: queues.map((queue) => queueName(queue)),
    timeoutMs: flags.timeout,
  };
  return flags.watch ? await watch(scene, flags) : await lookOnce(scene, flags);
}

async function lookOnce(scene: Scene, flags: StatusFlags): Promise<number> {
  const seen = await lookInTime(scene).catch((error) => {
    throw explained(error, scene);
  });
  await printer(flags)(seen);
  if (seen.queues.some(lacksServer)) return EXIT.noServer;
  const isUntold = seen.queues.some(({ error }) => error !== undefined);
  return isUntold ? EXIT.refused : EXIT.ok;
}

async function watch(scene: Scene, flags: StatusFlags): Promise<number> {
  const stopping = new AbortController();
  const { signal } = stopping;
  using _signals = onStopSignal((_, signal) => stopping.abort(signal));
  const print = flags.json || !Deno.stdout.isTerminal()
    ? printer(flags)
    : livePrinter(flags);
  try {
    while (true) {
      await print(await lookOrWhyNot(scene, signal));
      await delay(flags.interval, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return stoppedStatus(signal.reason);
  }
}

/** A broker that is away may come back; one that refuses will not relent. */
async function lookOrWhyNot(scene: Scene, signal: AbortSignal): Promise<Look> {
  try {
    return await lookInTime(scene, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    const error = explained(thrown, scene);
    if (error.status !== EXIT.broker && error.status !== EXIT.timedOut) {
      throw error;
    }
    const { message } = thrown as Error;
    return {
      broker: { url: scene.url, error: message.replace(/\.$/, "") },
      queues: scene.queues.map((queue) => ({ queue })),
    };
  }
}

/**
 * Connects where that is needed, and looks.
 *
 * @throws the signal's reason when it is aborted.
 */
async function lookInTime(
  { transport, queues, timeoutMs }: Scene,
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

function explained(thrown: unknown, scene: Scene): CliError {
  if (thrown instanceof CliError) return thrown;
  const error = RpcError.from(thrown);
  const { queues: [queue = ""], timeoutMs } = scene;
  const message = sentence(error, { queue, timeoutMs });
  return new CliError(exitStatusOf(error), message, error);
}

type Print = (look: Look) => Promise<void>;

/** A table each time, with an empty line after each, or a line of JSON. */
function printer({ json, watch, color }: StatusFlags): Print {
  const paint = paintFor("stdout", color);
  return async (look) => {
    const lines = json ? [lookJson(look)] : tableLines(look, paint);
    if (watch && !json) lines.push("");
    await writeText(lines.map((line) => `${line}\n`).join(""));
  };
}

/** One table, always in the same place. */
function livePrinter({ color }: StatusFlags): Print {
  const table = new LiveTable();
  const paint = paintFor("stdout", color);
  return async (look) => {
    // Some terminals do not know their size, and tell 0.
    const rows = Deno.consoleSize().rows || Infinity;
    await writeText(table.draw(tableLines(look, paint), rows));
  };
}

async function writeText(text: string): Promise<void> {
  await writeStdout(encoder.encode(text));
}
