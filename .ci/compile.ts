/**
 * Builds the executable, dist/rabbit-rpc; with `--release` one for each
 * platform that Deno can target, and their SHA-256 sums. All other arguments
 * are flags for `deno compile`.
 *
 * What is compiled is a bundle. Deno puts every npm package that deno.lock
 * names into an executable, those of the tests too, and looks through all
 * their files at each start: bundled, a call starts in half the time. Minified,
 * there is less to parse: 3 ms of 66.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename } from "node:path";

const OUTPUT = "dist/rabbit-rpc";

/** Scripts that are found by their name, in the folder of whoever asks. */
const WORKERS = [
  "src/procedures/worker.ts",
  "src/procedures/module/module_worker.ts",
];

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

/** What ends up in executables. */
interface Bundle {
  readonly main: string;
  /** Files that no import names. */
  readonly included: string[];
}

/** Bundles the program into a folder. */
async function bundle(folder: string): Promise<Bundle> {
  const bundling = ["bundle", "--quiet", "--minify", "--platform", "deno"];
  // Each subcommand stays a file of its own, loaded when it is asked for.
  await deno([...bundling, "--code-splitting", "--outdir", folder, "main.ts"]);
  const included: string[] = [];
  for (const worker of WORKERS) {
    const script = `${folder}/${basename(worker)}`;
    await deno([...bundling, "--output", script, worker]);
    included.push(script);
  }
  // Read by src/cli/version.ts.
  const build = `${folder}/build.txt`;
  await Deno.writeTextFile(build, await commit());
  included.push(build);
  return { main: `${folder}/main.js`, included };
}

/** The commit that is built, with `-dirty` where files differ from it. */
async function commit(): Promise<string> {
  const args = ["describe", "--always", "--dirty", "--exclude=*"];
  const { success, stdout } = await new Deno.Command("git", { args }).output();
  return success ? new TextDecoder().decode(stdout).trim() : "";
}

async function compile(
  { main, included }: Bundle,
  output: string,
  flags: string[],
  env?: Record<string, string>,
): Promise<void> {
  await deno([
    "compile",
    "--quiet",
    // All is in the bundle, and was checked when it was tested.
    "--no-config",
    "--no-lock",
    "--no-check",
    // Of deno.json, which is not read here.
    "--unstable-worker-options",
    // It would be a file in /tmp, by a name that anybody can take before us:
    // code that runs with the rights of whoever starts the program. It would
    // save 4 ms.
    "--no-code-cache",
    ...included.flatMap((path) => ["--include", path]),
    ...flags,
    "--output",
    output,
    main,
  ], env);
}

/** Builds for all platforms; the exit status tells whether all were built. */
async function release(bundle: Bundle, flags: string[]): Promise<number> {
  // It names the base runtime of this platform.
  const { DENORT_BIN: _, ...downloading } = Deno.env.toObject();
  const built: string[] = [];
  for (const target of TARGETS) {
    const suffix = target.includes("windows") ? ".exe" : "";
    const path = `${OUTPUT}-${target}${suffix}`;
    const isHost = target === Deno.build.target;
    try {
      await compile(
        bundle,
        path,
        ["--target", target, ...flags],
        isHost ? undefined : downloading,
      );
      built.push(path);
      say(`${path}: built`);
    } catch (error) {
      say(`${path}: NOT built. ${(error as Error).message}`);
    }
  }
  const sums = await Promise.all(built.map(sumLine));
  await Deno.writeTextFile("dist/SHA256SUMS", sums.join(""));
  say(`dist/SHA256SUMS: ${built.length} of ${TARGETS.length} platforms`);
  return built.length === TARGETS.length ? 0 : 1;
}

/** As `sha256sum --check` reads it. */
async function sumLine(path: string): Promise<string> {
  const sum = createHash("sha256").update(await Deno.readFile(path));
  return `${sum.digest("hex")}  ${basename(path)}\n`;
}

/** Runs the Deno that runs this. */
async function deno(
  args: string[],
  env?: Record<string, string>,
): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { ...env, NO_COLOR: "1" },
    clearEnv: env !== undefined,
  }).output();
  if (success) return;
  const text = new TextDecoder().decode(stderr);
  // Of a chain of causes the first is telling; what follows repeats it.
  const [reason] = text.split(/\n\s+2: |\n+Stack backtrace/);
  throw new Error(`deno ${args[0]}: ${reason!.trim()}`);
}

function say(line: string): void {
  // deno-lint-ignore no-console -- for whoever builds
  console.log(line);
}

async function main(args: string[]): Promise<number> {
  const flags = args.filter((arg) => arg !== "--release");
  const folder = await Deno.makeTempDir({ prefix: "rabbit-rpc-bundle-" });
  try {
    const bundled = await bundle(folder);
    if (flags.length < args.length) return await release(bundled, flags);
    await compile(bundled, OUTPUT, flags);
    say(`${OUTPUT}: built`);
    return 0;
  } catch (error) {
    say((error as Error).message);
    return 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.exit(await main(Deno.args));
