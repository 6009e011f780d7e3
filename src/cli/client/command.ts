/**
 * `rabbit-rpc client`: sends requests and prints the answers.
 *
 * @module
 */
import type { Command } from "commander";
import type { RpcError } from "../../rpc/errors.ts";
import { Caller, type Outcome, outcomeJson } from "./caller.ts";
import { ClientConnection } from "./connection.ts";
import { CliError, EXIT, exitStatusOf } from "../exit_status.ts";
import { readFile, readStdin } from "../stdio/read_file.ts";
import { Log } from "../log.ts";
import { OrderedOutput, writeReply } from "../stdio/ordered_output.ts";
import {
  addClientFlags,
  batchFlag,
  callOptions,
  type ClientFlags,
} from "./flags.ts";
import { sentence } from "../sentences.ts";
import { isStdin } from "../stdio/paths.ts";
import { onStopSignal, stoppedStatus } from "../signals.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc client rpc_queue 30
  rabbit-rpc client rpc_queue @request.json -H trace:on --type resize -t 5s
  seq 30 | rabbit-rpc client rpc_queue --lines --concurrency 100 --json`;

/** The one call is always under way: it ends the program. */
const ONE_CALL = { inFlight: 1, ended: 0 };

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
  if (flags.dryRun) return await printRequests(queue, body, flags);
  if (batchFlag(flags) === undefined) return await callOnce(queue, body, flags);
  const { runBatch } = await import("./batch/run.ts");
  return await runBatch(queue, flags);
}

async function printRequests(
  queue: string,
  argument: string | undefined,
  flags: ClientFlags,
): Promise<number> {
  const { dryRun, dryRunOfStdin } = await import("./batch/dry_run.ts");
  if (batchFlag(flags)) return await dryRunOfStdin(queue, flags);
  const body = await readBody(argument);
  const request = { id: 1, line: 1, record: body, body };
  return await dryRun(queue, [[request]], flags);
}

function checkInput(body: string | undefined, flags: ClientFlags): void {
  const batch = batchFlag(flags);
  if (batch !== undefined && body !== undefined) {
    throw usage(`${batch} reads its requests from stdin; drop the argument`);
  }
  if (batch === undefined && flags.failed !== undefined) {
    throw usage(
      "--failed is for many requests: add --lines, --null or --input",
    );
  }
  refuseTwoReaders(body, flags);
  if (batch === undefined && body === undefined && Deno.stdin.isTerminal()) {
    throw usage("no request: give it as an argument, @FILE or on stdin");
  }
}

/** Whichever reads stdin first leaves nothing to the other. */
function refuseTwoReaders(body: string | undefined, flags: ClientFlags): void {
  const { passwordFile, cacert, cert, key } = flags;
  const readers = [
    ["the password", passwordFile],
    ["--cacert", cacert],
    ["--cert", cert],
    ["--key", key],
    ["the request", body === undefined ? "-" : /^@(.*)/s.exec(body)?.[1]],
  ].filter(([, path]) => isStdin(path));
  const [first, second] = readers.map(([name]) => name);
  if (second === undefined) return;
  throw usage(`stdin can't be both ${first} and ${second}`);
}

function usage(message: string): CliError {
  return new CliError(EXIT.usage, message);
}

async function callOnce(
  queue: string,
  argument: string | undefined,
  flags: ClientFlags,
): Promise<number> {
  await using connection = await ClientConnection.create(queue, flags);
  const body = await readBody(argument);
  const canceling = new AbortController();
  let stoppedBy: Deno.Signal | undefined;
  using _signals = onStopSignal((_, signal) => {
    canceling.abort(stoppedBy ??= signal);
  });
  using _watch = connection.watch(queue, flags, ONE_CALL);
  const options = { ...callOptions(flags), signal: canceling.signal };
  const caller = new Caller(connection.rpc, queue, options);
  const outcome = await caller.call({ id: 1, body });
  await printOutcome(outcome, flags);
  if (outcome.error === undefined) return EXIT.ok;
  reportFailure(outcome.error, queue, flags);
  return stoppedBy ? stoppedStatus(stoppedBy) : exitStatusOf(outcome.error);
}

async function readBody(argument: string | undefined): Promise<Uint8Array> {
  if (argument === undefined) return await readStdin();
  if (argument.startsWith("@")) return await readFile(argument.slice(1));
  return new TextEncoder().encode(argument);
}

async function printOutcome(
  outcome: Outcome,
  { json }: ClientFlags,
): Promise<void> {
  if (json) {
    const output = new OrderedOutput();
    output.add(outcomeJson(outcome));
    await output.flushed();
  } else if (outcome.body) {
    await writeReply(outcome.body);
  }
}

function reportFailure(
  error: RpcError,
  queue: string,
  flags: ClientFlags,
): void {
  const message = sentence(error, { queue, timeoutMs: flags.timeout });
  const status = exitStatusOf(error);
  new Log(flags).failure(error, message, { status });
}
