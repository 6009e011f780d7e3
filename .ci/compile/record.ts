/**
 * Runs in the place of src/cli/executable/start.ts while building:
 * `record FILE ARGS...` runs the program and writes what V8 compiled for that;
 * `check FILE` tells whether V8 takes it, in a process that has compiled
 * nothing yet.
 *
 * @module
 */
import { besideEntry, PROGRAM } from "../../src/cli/executable/files.ts";
import { Program } from "../../src/cli/executable/program.ts";

const source = await Deno.readTextFile(besideEntry(PROGRAM));

async function record(path: string, args: string[]): Promise<number> {
  // Opened first: the program gives back its permissions.
  const file = await Deno.create(path);
  const program = new Program(source);
  const status = await program.run(args);
  await ReadableStream.from([program.codeCache()]).pipeTo(file.writable);
  return status;
}

async function check(path: string): Promise<number> {
  const program = new Program(source, await Deno.readFile(path));
  if (!program.isCacheRejected) return 0;
  throw new Error("V8 does not take the code that it has compiled");
}

const [task, path, ...args] = Deno.args;
Deno.exit(await (task === "check" ? check(path!) : record(path!, args)));
