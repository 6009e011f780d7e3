/**
 * Asks for one stream, and writes its items as they come.
 *
 * @module
 */
import { settled } from "../../../async/delay.ts";
import type { StreamOptions } from "../../../rpc/calling/streams/stream_options.ts";
import { OrderedOutput } from "../../stdio/ordered_output.ts";
import type { Outcome } from "../caller.ts";
import { outcomeJson } from "../json_lines.ts";
import type { ClientConnection } from "../connection.ts";
import { type ClientFlags, streamOptions } from "../flags.ts";
import type { CallProgress } from "../call_progress.ts";
import { ItemOutput } from "./item_output.ts";
import { StreamCaller } from "./stream_caller.ts";

const NEWLINE = Uint8Array.of(10);
const NOTHING = new Uint8Array(0);

/** What one stream needs beside its body. */
export interface StreamOnce {
  readonly queue: string;
  readonly flags: ClientFlags;
  readonly connection: ClientConnection;
  readonly progress: CallProgress;
  readonly own: Pick<StreamOptions, "signal" | "onProgress">;
}

/**
 * Writes the stream to stdout.
 *
 * @throws {Deno.errors.BrokenPipe} if the reader of stdout has gone.
 * @throws {CliError} 74 if stdout can't be written.
 */
export async function streamOnce(
  body: Uint8Array,
  { queue, flags, connection, progress, own }: StreamOnce,
): Promise<Outcome> {
  const json = flags.json ?? false;
  const isTerminal = Deno.stdout.isTerminal();
  const output = new OrderedOutput({
    ...(!json && { end: NOTHING }),
    ...(isTerminal && { beforeWrite: () => progress.cleared() }),
  });
  const caller: StreamCaller = new StreamCaller({
    rpc: connection.rpc,
    queue,
    options: { ...streamOptions(flags), ...own },
    outer: flags.outer,
    output: new ItemOutput(output, {
      json,
      end: isTerminal ? NEWLINE : undefined,
    }),
  });
  using _watch = connection.watch(queue, flags, {
    get waiting() {
      return 1 - caller.begun;
    },
    ended: 0,
  });
  const calling = caller.call({ id: 1, body });
  // It fails as well when stdout does, unless no more items come.
  void settled(calling);
  const outcome = await Promise.race([calling, output.broken]);
  if (json && outcome.error) output.add(outcomeJson(outcome));
  await output.flushed();
  return outcome;
}
