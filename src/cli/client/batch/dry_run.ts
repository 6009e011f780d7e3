/**
 * `--dry-run`: prints the requests as lines of `--input ndjson`, and the errors
 * in the input, without a connection.
 *
 * @module
 */
import { queueName } from "../../../rpc/limits.ts";
import { requestJson } from "../json_lines.ts";
import { ClientConnection } from "../connection.ts";
import { Log } from "../../log.ts";
import { counted } from "../../../rpc/texts.ts";
import { OrderedOutput } from "../../stdio/ordered_output.ts";
import { callOptions, type ClientFlags } from "../flags.ts";
import { type BatchRequest, inputFormat } from "./requests.ts";
import { StdinRequests } from "./stdin.ts";
import { Tally, wantsSummary } from "./tally.ts";

/**
 * Prints the requests. Returns the exit status that a batch would have if all
 * requests were answered that can be sent.
 *
 * @throws {Deno.errors.BrokenPipe} if the reader of stdout has gone.
 * @throws {RangeError} if a flag is out of range.
 * @throws {CliError} 66 if a file can't be read.
 */
export async function dryRun(
  queue: string,
  requests: AsyncIterable<Iterable<BatchRequest>> | Iterable<BatchRequest>[],
  flags: ClientFlags,
): Promise<number> {
  queueName(queue);
  // Only for its checks: it would connect with the first call.
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
    log.info(`${valid} would be sent to "${queue}" (dry run)`);
  }
  return tally.status;
}

/** The same for the requests on stdin. */
export async function dryRunOfStdin(
  queue: string,
  flags: ClientFlags,
): Promise<number> {
  return await dryRun(queue, new StdinRequests(inputFormat(flags)), flags);
}
