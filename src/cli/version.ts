/**
 * What `--version` prints.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };

/** The versions of the program and of what it runs on. */
export function versionText(): string {
  const { deno, v8 } = Deno.version;
  return `rabbit-rpc ${manifest.version} (Deno ${deno}, V8 ${v8}, ` +
    `${Deno.build.target})`;
}
