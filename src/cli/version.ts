/**
 * What `--version` prints.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };
import { COMMIT, readIfThere } from "./executable/files.ts";

/**
 * The versions of the program and of what it runs on. Read at once, as long as
 * there is a permission to read.
 */
export const VERSION: string = versionText();

function versionText(): string {
  const { deno, v8 } = Deno.version;
  return `rabbit-rpc ${manifest.version} (${build()}, Deno ${deno}, V8 ${v8}, ` +
    `${Deno.build.target})`;
}

/** How it was built, and from which commit where that is known. */
function build(): string {
  if (!Deno.build.standalone) return "source";
  // `deno compile` itself, without our task, does not tell it.
  const commit = readIfThere(COMMIT, Deno.readTextFileSync) ?? "";
  return `executable ${commit}`.trim();
}
