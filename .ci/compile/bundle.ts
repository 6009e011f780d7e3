/**
 * Bundles the program: one script, and what stays a file of its own.
 *
 * Deno puts every npm package that deno.lock names into an executable, those
 * of the tests too, and looks through all their files at each start: without
 * that, a call takes three quarters of the time. It is one script and no
 * modules, since V8 takes compiled code for scripts: see code_cache.ts. Each
 * subcommand runs when it is asked for, all the same.
 *
 * @module
 */
import { basename } from "node:path";
import { COMMIT, PROGRAM } from "../../src/cli/executable/files.ts";
import { deno } from "./processes.ts";

/** Scripts that are found by their name, beside the entry. */
const WORKERS = [
  "src/procedures/builtin/fib_worker.ts",
  "src/procedures/module/worker.ts",
];

const BUNDLING = ["bundle", "--quiet", "--minify", "--platform", "deno"];

/** Bundles all but the entry into a folder; returns the paths. */
export async function bundleProgram(folder: string): Promise<string[]> {
  const included: string[] = [];
  for (const worker of WORKERS) {
    const script = `${folder}/${basename(worker)}`;
    await deno([...BUNDLING, "--output", script, worker]);
    included.push(script);
  }
  const program = `${folder}/${PROGRAM}`;
  await bundleScript(program);
  const build = `${folder}/${COMMIT}`;
  await Deno.writeTextFile(build, await commit());
  return [...included, program, build];
}

/** As the function that src/cli/executable/program.ts calls. */
async function bundleScript(path: string): Promise<void> {
  const options = ["--format", "cjs", "--output", path];
  await deno([...BUNDLING, ...options, "src/cli/main.ts"]);
  const code = await Deno.readTextFile(path);
  // Strict, as modules are.
  const body = `"use strict";\nconst module = {};\n${code}`;
  const script = `(function (require) {${body}\nreturn module.exports;\n})`;
  await Deno.writeTextFile(path, script);
}

/** Bundles the entry of an executable; returns the path. */
export async function bundleEntry(
  folder: string,
  source: string,
): Promise<string> {
  const entry = `${folder}/${basename(source, ".ts")}.js`;
  await deno([...BUNDLING, "--output", entry, source]);
  return entry;
}

/** The commit that is built, with `-dirty` where files differ from it. */
async function commit(): Promise<string> {
  const args = ["describe", "--always", "--dirty", "--exclude=*"];
  const { success, stdout } = await new Deno.Command("git", { args }).output();
  return success ? new TextDecoder().decode(stdout).trim() : "";
}
