/**
 * A single call.
 *
 * @module
 */
import type { RpcError } from "../../rpc/errors.ts";
import { EXIT, exitStatusOf } from "../exit_status.ts";
import { Log } from "../log.ts";
import { sentence } from "../sentences.ts";
import { onStopSignal, stoppedStatus } from "../signals.ts";
import { OrderedOutput, writeReply } from "../stdio/ordered_output.ts";
import { readFile, readStdin } from "../stdio/read_file.ts";
import { Caller, type Outcome, outcomeJson } from "./caller.ts";
import { ClientConnection } from "./connection.ts";
import { callOptions, type ClientFlags } from "./flags.ts";

/** There is always one call in flight; the program ends with it. */
const ONE_CALL = { inFlight: 1, ended: 0 };

/** Makes the call, prints the reply and returns the exit status. */
export async function callOnce(
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

/** The body of a request: the argument, `@FILE`, or stdin. */
export async function readBody(
  argument: string | undefined,
): Promise<Uint8Array> {
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
