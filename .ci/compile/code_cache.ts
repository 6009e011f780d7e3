/**
 * What V8 makes of the program, kept for the executable: compiling is a third
 * of the time of a call otherwise. (Deno's own cache of this kind would be a
 * file in /tmp, by a name that anybody can take before us: code that runs with
 * the rights of whoever starts the program.)
 *
 * @module
 */
import { startBroker } from "../../src/broker/broker.ts";
import { CODE_CACHE } from "../../src/cli/executable/files.ts";
import { connect } from "../../src/mod.ts";
import { bundleEntry } from "./bundle.ts";
import { compile } from "./compile.ts";
import { run } from "./processes.ts";

const QUEUE = "echo";
/** What the program, or Deno, would obey. */
const SETTINGS = /^(?:AMQP_|RABBIT_RPC_|OTEL_|DENO_|FORCE_COLOR$)/;
const TIMEOUT_MS = 60_000;

/**
 * Makes a call with the program and writes the code of that into its folder;
 * returns the path. It is of this very bundle: V8 would take it for another
 * one of the same length.
 *
 * @throws {Error} where the program can't be run here.
 */
export async function recordCodeCache(
  folder: string,
  included: string[],
  flags: string[],
): Promise<string> {
  const recorder = `${folder}/recorder`;
  const entry = await bundleEntry(folder, ".ci/compile/record.ts");
  await compile(entry, included, recorder, flags);
  const path = `${folder}/${CODE_CACHE}`;
  await using broker = await startBroker();
  await using rpc = await connect(broker.url);
  await using _server = await rpc.serve(QUEUE, ({ bytes }) => bytes);
  const options = { env: withoutSettings(), timeoutMs: TIMEOUT_MS };
  const call = ["client", QUEUE, "hello", "--url", broker.url];
  await run("recording", recorder, ["record", path, ...call], options);
  await run("checking", recorder, ["check", path], options);
  return path;
}

function withoutSettings(): Record<string, string> {
  const variables = Object.entries(Deno.env.toObject());
  return Object.fromEntries(
    variables.filter(([name]) => !SETTINGS.test(name)),
  );
}
