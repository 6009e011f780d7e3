/**
 * What `--version` prints.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };

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
  return Deno.build.standalone ? `executable ${commit()}`.trim() : "source";
}

function commit(): string {
  try {
    return Deno.readTextFileSync(new URL("./build.txt", Deno.mainModule));
  } catch (error) {
    // Put there by `deno task compile`, and not by `deno compile` itself.
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
