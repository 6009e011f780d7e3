/**
 * What V8 makes of the program, kept for the executable: compiling is a quarter
 * of the time of a call otherwise. (Deno's own cache of this kind would be a
 * file in /tmp, by a name that anybody can take before us: code that runs with
 * the rights of whoever starts the program.)
 *
 * @module
 */
import { startBroker } from "../../src/broker/broker.ts";
import { connect } from "../../src/mod.ts";
import { CODE_CACHE } from "../executable/program.ts";
import { bundleEntry } from "./bundle.ts";
import { compile } from "./compile.ts";
import { run } from "./deno.ts";

const QUEUE = "echo";

/**
 * Makes a call with the program and writes the code of that into a folder;
 * returns its path.
 *
 * @throws {Error} where that can't be run here.
 */
export async function recordCodeCache(
  folder: string,
  included: string[],
  flags: string[],
): Promise<string> {
  const recorder = `${folder}/recorder`;
  const entry = await bundleEntry(folder, "record");
  await compile(entry, included, recorder, flags);
  const path = `${folder}/${CODE_CACHE}`;
  await using broker = await startBroker();
  await using rpc = await connect(broker.url);
  await using _server = await rpc.serve(QUEUE, ({ bytes }) => bytes);
  const call = ["client", QUEUE, "hello", "--url", broker.url];
  await run("recording", recorder, ["record", path, ...call]);
  await run("checking", recorder, ["check", path]);
  return path;
}
