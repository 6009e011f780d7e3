/**
 * Makes one call.
 *
 * @module
 */
import type { RpcError } from "../../rpc/errors.ts";
import { sentence } from "../advice.ts";
import { EXIT, exitStatusOf } from "../exit_status.ts";
import { Log } from "../log.ts";
import { onStopSignal, stoppedStatus } from "../signals.ts";
import { OrderedOutput, writeReply } from "../stdio/ordered_output.ts";
import { CallProgress } from "./call_progress.ts";
import { Caller, type Outcome } from "./caller.ts";
import { ClientConnection } from "./connection.ts";
import { callOptions, type ClientFlags, subjectOf } from "./flags.ts";
import { readBody } from "./input.ts";
import { outcomeJson } from "./json_lines.ts";
import type { StreamOnce } from "./stream/once.ts";

/** There is always one call in flight; the program ends with it. */
const ONE_CALL = { waiting: 1, ended: 0 };

/** Makes the call, prints the reply and returns the exit status. */
export async function callOnce(
  queue: string,
  argument: string | undefined,
  flags: ClientFlags,
): Promise<number> {
  using progress = new CallProgress(flags);
  await using connection = await ClientConnection.create(
    queue,
    flags,
    () => progress.clear(),
  );
  const body = await readBody(argument);
  const canceling = new AbortController();
  let stoppedBy: Deno.Signal | undefined;
  using _signals = onStopSignal((_, signal) => {
    canceling.abort(stoppedBy ??= signal);
  });
  const own = {
    signal: canceling.signal,
    ...(flags.progress && {
      onProgress: (value: unknown) => progress.show(value),
    }),
  };
  const parts = { queue, flags, connection, progress, own };
  const outcome = flags.stream
    ? await (await import("./stream/once.ts")).streamOnce(body, parts)
    : await callPlain(body, parts);
  progress.end();
  if (outcome.error === undefined) return EXIT.ok;
  reportFailure(outcome.error, outcome.latencyMs, queue, flags);
  return stoppedBy ? stoppedStatus(stoppedBy) : exitStatusOf(outcome.error);
}

async function callPlain(
  body: Uint8Array,
  { queue, flags, connection, progress, own }: StreamOnce,
): Promise<Outcome> {
  using _watch = connection.watch(queue, flags, ONE_CALL);
  const options = { ...callOptions(flags), ...own };
  const caller = new Caller(connection.rpc, queue, options, flags.outer);
  const outcome = await caller.call({ id: 1, body });
  await progress.cleared();
  await printOutcome(outcome, flags);
  return outcome;
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
  latencyMs: number,
  queue: string,
  flags: ClientFlags,
): void {
  const message = sentence(error, subjectOf(queue, flags, latencyMs));
  const status = exitStatusOf(error);
  new Log(flags).failure(error, message, { status });
}
