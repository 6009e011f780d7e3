/**
 * Builds the executable, dist/rabbit-rpc; with `--release` one for each
 * platform that Deno can target, and their SHA-256 sums. All other arguments
 * are flags for `deno compile`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { bundleEntry, bundleProgram } from "./bundle.ts";
import { recordCodeCache } from "./code_cache.ts";
import { compile } from "./compile.ts";

const OUTPUT = "dist/rabbit-rpc";

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

/** What ends up in executables. */
interface Bundle {
  readonly entry: string;
  /** Files that no import names. */
  readonly included: string[];
  /** Of this platform alone. */
  readonly codeCache: string[];
}

async function bundle(folder: string, flags: string[]): Promise<Bundle> {
  const included = await bundleProgram(folder);
  const entry = await bundleEntry(folder, "src/cli/executable/start.ts");
  const codeCache: string[] = [];
  try {
    if (!isForOthers(flags)) {
      codeCache.push(await recordCodeCache(folder, included, flags));
    }
  } catch (error) {
    const { message } = error as Error;
    say(`The program can't be run here, so it will start slower. ${message}`);
  }
  return { entry, included, codeCache };
}

/** Whether `--target` names another platform: its code can't be made here. */
function isForOthers(args: string[]): boolean {
  const options = { target: { type: "string" } } as const;
  const { target } = parseArgs({ args, options, strict: false }).values;
  return target !== undefined && target !== Deno.build.target;
}

/** Builds for all platforms; the exit status tells whether all were built. */
async function release(
  { entry, included, codeCache }: Bundle,
  flags: string[],
): Promise<number> {
  // It names the base runtime of this platform.
  const { DENORT_BIN: _, ...downloading } = Deno.env.toObject();
  const built: string[] = [];
  for (const target of TARGETS) {
    const suffix = target.includes("windows") ? ".exe" : "";
    const path = `${OUTPUT}-${target}${suffix}`;
    const isHost = target === Deno.build.target;
    try {
      await compile(
        entry,
        isHost ? [...included, ...codeCache] : included,
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

function say(line: string): void {
  // deno-lint-ignore no-console -- for whoever builds
  console.log(line);
}

async function main(args: string[]): Promise<number> {
  const flags = args.filter((arg) => arg !== "--release");
  const folder = await Deno.makeTempDir({ prefix: "rabbit-rpc-bundle-" });
  try {
    const bundled = await bundle(folder, flags);
    if (flags.length < args.length) return await release(bundled, flags);
    const { entry, included, codeCache } = bundled;
    await compile(entry, [...included, ...codeCache], OUTPUT, flags);
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
