/**
 * The text of `--version`.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };
import { COMMIT, readIfThere } from "./executable/files.ts";

/**
 * The versions of the program and of its runtime. Made at once, while there is
 * still a permission to read.
 */
export const VERSION: string = versionText();

function versionText(): string {
  const { deno, v8 } = Deno.version;
  return `rabbit-rpc ${manifest.version} (${build()}, Deno ${deno}, V8 ${v8}, ` +
    `${Deno.build.target})`;
}

/** How it was built, and from which commit if that is known. */
function build(): string {
  if (!Deno.build.standalone) return "source";
  // Unknown if it was built by `deno compile` without our task.
  const commit = readIfThere(COMMIT, Deno.readTextFileSync) ?? "";
  return `executable ${commit}`.trim();
}
