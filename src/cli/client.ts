/**
 * `rabbit-rpc client`: sends requests and prints the answers.
 *
 * @module
 */
import type { Command } from "commander";
import { RpcConnection } from "../amqp/connect.ts";
import { type ConnectOptions, connectSettings } from "../amqp/options.ts";
import { AmqpTransport } from "../amqp/transport.ts";
import type { CallOptions } from "../rpc/call_options.ts";
import type { RpcError } from "../rpc/errors.ts";
import type { ClientOptions } from "../rpc/interceptor.ts";
import { Batch, BatchResult } from "./batch.ts";
import { Caller, type Outcome, outcomeJson } from "./caller.ts";
import { reportConnection } from "./connection_events.ts";
import { CliError, EXIT, exitStatusOf } from "./exit_status.ts";
import { connectOptions } from "./flags.ts";
import { readInputFile, readStdin, splitBytes } from "./input.ts";
import { OrderedOutput, report, writeReply } from "./output.ts";
import { Pace } from "./pace.ts";
import {
  addClientFlags,
  callOptions,
  type ClientFlags,
} from "./request_flags.ts";
import { sentence } from "./sentences.ts";
import { onSignal } from "./signals.ts";
import { watchForServer } from "./waiting.ts";

const NEWLINE = 10;
const NO_BYTES = new Uint8Array(0);

const EXAMPLES = `
Examples:
  rabbit-rpc client rpc_queue 30
  rabbit-rpc client rpc_queue @request.json -H trace:on --type resize -t 5s
  seq 30 | rabbit-rpc client rpc_queue --lines --concurrency 100 --json`;

/** Adds the subcommand; `done` gets the exit status. */
export function addClientCommand(
  program: Command,
  done: (status: number) => void,
): void {
  const command = program.command("client")
    .summary("send requests and print the answers")
    .description(
      "Sends a request, or each line of stdin, and prints what comes.",
    )
    .argument("<queue>", "request queue")
    .argument("[body]", "the request; @FILE reads a file; default: stdin")
    .addHelpText("after", EXAMPLES)
    .action(async (queue: string, body: string | undefined, flags) => {
      done(await runClient(queue, body, flags));
    });
  addClientFlags(command);
}

async function runClient(
  queue: string,
  body: string | undefined,
  flags: ClientFlags,
): Promise<number> {
  checkInput(body, flags);
  const { telemetry, url } = flags;
  const plain: ConnectOptions & ClientOptions = {
    ...await connectOptions(flags),
    name: `rabbit-rpc client ${queue}`,
    onEvent: (event) => reportConnection(event, flags),
  };
  const connecting = telemetry?.connecting(plain) ?? plain;
  const settings = connectSettings(url, connecting);
  const canceling = new AbortController();
  const options = { ...callOptions(flags), signal: canceling.signal };
  await using rpc = new RpcConnection(new AmqpTransport(settings), connecting);
  return flags.lines
    ? await callLines(rpc, queue, flags, options, canceling)
    : await callOnce(rpc, queue, body, flags, options, canceling);
}

function checkInput(body: string | undefined, flags: ClientFlags): void {
  if (flags.lines && body !== undefined) {
    throw usage("--lines reads its requests from stdin; drop the argument");
  }
  const readsStdin = body === undefined || body === "@-";
  if (readsStdin && flags.passwordFile === "-") {
    throw usage("stdin can't be both the password and the request");
  }
  if (body === undefined && Deno.stdin.isTerminal()) {
    throw usage("no request: give it as an argument, @FILE or on stdin");
  }
}

function usage(message: string): CliError {
  return new CliError(EXIT.usage, message);
}

async function callOnce(
  rpc: RpcConnection,
  queue: string,
  argument: string | undefined,
  flags: ClientFlags,
  options: CallOptions,
  canceling: AbortController,
): Promise<number> {
  const body = await readBody(argument);
  using _signals = onSignal(["SIGINT", "SIGTERM"], (_, signal) => {
    canceling.abort(signal);
  });
  using _watch = watchForServer(rpc, queue, flags);
  const outcome = await new Caller(rpc, queue, options).call(1, body);
  if (flags.json) {
    const output = new OrderedOutput();
    output.add(outcomeJson(outcome));
    await output.flushed();
  } else if (outcome.body) {
    await writeReply(outcome.body);
  }
  if (outcome.error === undefined) return EXIT.ok;
  reportFailure(outcome.error, queue, flags);
  return canceling.signal.reason === "SIGTERM"
    ? EXIT.terminated
    : exitStatusOf(outcome.error);
}

async function readBody(argument: string | undefined): Promise<Uint8Array> {
  if (argument === undefined) return await readStdin();
  if (argument.startsWith("@")) return await readInputFile(argument.slice(1));
  return new TextEncoder().encode(argument);
}

async function callLines(
  rpc: RpcConnection,
  queue: string,
  flags: ClientFlags,
  options: CallOptions,
  canceling: AbortController,
): Promise<number> {
  const output = new OrderedOutput();
  const result = new BatchResult();
  const pace = flags.rate === undefined ? undefined : new Pace(flags.rate);
  const batch = new Batch(new Caller(rpc, queue, options), {
    concurrency: flags.concurrency,
    ready: async () => {
      if (output.full) await output.flushed();
      await pace?.next(canceling.signal);
    },
    onOutcome: (outcome) => {
      result.add(outcome.error);
      output.add(flags.json ? outcomeJson(outcome) : outcome.body ?? NO_BYTES);
      reportLine(outcome, queue, flags);
    },
  });
  const input = new StoppableInput();
  const stopping = new AbortController();
  let interruptedBy: Deno.Signal | undefined;
  using _signals = onSignal(["SIGINT", "SIGTERM"], (times, signal) => {
    interruptedBy ??= signal;
    if (times > 1) return canceling.abort(signal);
    stopping.abort();
    input.stop();
  });
  using _watch = watchForServer(rpc, queue, flags);
  const lines = splitBytes(input, NEWLINE);
  await Promise.race([batch.run(lines, stopping.signal), output.broken]);
  await output.flushed();
  if (interruptedBy === undefined) return result.status;
  return interruptedBy === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
}

/** stdin, until it ends or is no longer wanted. */
class StoppableInput implements AsyncIterable<Uint8Array> {
  readonly #reader = Deno.stdin.readable.getReader();

  stop(): void {
    void this.#reader.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let next; !(next = await this.#reader.read()).done;) yield next.value;
  }
}

function reportLine(
  { id, error }: Outcome,
  queue: string,
  flags: ClientFlags,
): void {
  // Closed: the program ends, since nobody reads its results any more.
  if (error === undefined || error.reason === "closed" || flags.quiet) return;
  const { timeout: timeoutMs } = flags;
  report(`line ${id} of stdin: ${sentence(error, { queue, timeoutMs })}`);
}

function reportFailure(
  error: RpcError,
  queue: string,
  { timeout: timeoutMs }: ClientFlags,
): void {
  report(sentence(error, { queue, timeoutMs }));
}
