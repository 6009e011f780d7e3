// Plants a bug in a copy of the product, and lets the simulation look for it.

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** All that the simulation needs. */
const COPIED = [
  "deno.json",
  "src",
  "tests/rules",
  "tests/simulation",
  "tests/chaos/calls.ts",
];

/** A bug. */
export interface PlantedBug {
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** What the simulation says of a bug. */
export interface Verdict {
  readonly isFound: boolean;
  readonly output: string;
}

/** Looks for a bug in so many histories. */
export async function lookFor(
  bug: PlantedBug,
  { seed, histories }: { seed: number; histories: number },
): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), "rabbit-rpc-planted-"));
  try {
    copyProduct(folder);
    writeFileSync(join(folder, "src", bug.file), planted(bug));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--no-lock",
        "--allow-read",
        "--allow-env",
        join(folder, "tests/simulation/main.ts"),
        `--seed=${seed}`,
        `--histories=${histories}`,
        "--brief",
      ],
      cwd: folder,
    }).output();
    const output = [stdout, stderr].map((it) => new TextDecoder().decode(it));
    return {
      isFound: code === 1 && stderr.length === 0,
      output: output.join(""),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copyProduct(folder: string): void {
  for (const path of COPIED) {
    const target = join(folder, path);
    mkdirSync(join(target, ".."), { recursive: true });
    cpSync(join(ROOT, path), target, { recursive: true });
  }
}

/**
 * The source with the bug in it.
 *
 * @throws {Error} where the piece of source is not there, or not once.
 */
export function planted({ name, file, find, replace }: PlantedBug): string {
  const source = readFileSync(join(ROOT, "src", file), "utf8");
  const [before, after, ...others] = source.split(find);
  if (after === undefined || others.length > 0) {
    throw new Error(`"${name}": mend it, ${file} has no single ${find}`);
  }
  return `${before}${replace}${after}`;
}
