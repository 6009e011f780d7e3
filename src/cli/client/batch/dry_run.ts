/**
 * `--dry-run`: what would be sent, as lines of `--input ndjson`, and what is
 * wrong with the input. Connects to nothing.
 *
 * @module
 */
import { queueName } from "../../../rpc/limits.ts";
import { requestJson } from "../caller.ts";
import { ClientConnection } from "../connection.ts";
import { Log } from "../../log.ts";
import { OrderedOutput } from "../../stdio/ordered_output.ts";
import { callOptions, type ClientFlags } from "../flags.ts";
import { type BatchRequest, inputFormat } from "./requests.ts";
import { wantsSummary } from "./run.ts";
import { StdinRequests } from "./stdin.ts";
import { counted, Tally } from "./tally.ts";

/**
 * Prints the requests, and returns the status that a batch would end with if
 * all that can be sent were answered.
 *
 * @throws {Deno.errors.BrokenPipe} where nobody reads stdout any more.
 * @throws {RangeError} where a flag is out of its range.
 * @throws {CliError} 66 where a file can't be read.
 */
export async function dryRun(
  queue: string,
  requests: AsyncIterable<Iterable<BatchRequest>> | Iterable<BatchRequest>[],
  flags: ClientFlags,
): Promise<number> {
  queueName(queue);
  // Made for what it checks: it would connect with the first call.
  await using _connection = await ClientConnection.create(queue, flags);
  const options = callOptions(flags);
  const output = new OrderedOutput();
  const tally = new Tally();
  const log = new Log(flags);
  for await (const group of requests) {
    for (const request of group) {
      const { invalid, record } = request;
      tally.add(invalid, record.length);
      if (invalid) log.error(`${invalid.message}.`);
      else output.add(requestJson(request, options));
      if (output.full) await output.flushed();
    }
  }
  await output.flushed();
  if (wantsSummary(flags)) {
    const valid = counted(tally.done - tally.failed, "request");
    log.info(`${valid} would go to "${queue}"; nothing was sent`);
  }
  return tally.status;
}

/** Does so with all of stdin. */
export async function dryRunOfStdin(
  queue: string,
  flags: ClientFlags,
): Promise<number> {
  return await dryRun(queue, new StdinRequests(inputFormat(flags)), flags);
}
