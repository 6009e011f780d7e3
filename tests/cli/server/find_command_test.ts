// Tests of src/cli/server/find_command.ts.

import assert from "node:assert/strict";
import { CliError } from "../../../src/cli/exit_status.ts";
import { findCommand } from "../../../src/cli/server/find_command.ts";
import { test } from "../../support/needs.ts";

/** Folders "a" and "b" in a folder of their own. */
async function twoFolders() {
  const root = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  await Deno.mkdir(`${root}/a`);
  await Deno.mkdir(`${root}/b`);
  return {
    root,
    searchPath: `${root}/missing:${root}/a:${root}/b`,
    write: (path: string, mode: number) =>
      Deno.writeTextFile(`${root}/${path}`, "", { mode }),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

test("the first executable file in the search path is it", async () => {
  await using folders = await twoFolders();
  const { root, searchPath } = folders;
  await folders.write("a/tool", 0o644);
  await folders.write("b/tool", 0o755);
  const found = await findCommand(["tool", "-x", "a b"], searchPath);
  assert.deepEqual(found, {
    name: "tool",
    path: `${root}/b/tool`,
    args: ["-x", "a b"],
  });
  await Deno.chmod(`${root}/a/tool`, 0o755);
  const { path } = await findCommand(["tool"], searchPath);
  assert.equal(path, `${root}/a/tool`);
});

test("a name with a slash is a path, and not searched", async () => {
  await using folders = await twoFolders();
  const { root, searchPath } = folders;
  await folders.write("a/tool", 0o755);
  const { path } = await findCommand([`${root}/a/tool`], "");
  assert.equal(path, `${root}/a/tool`);
  await assert.rejects(findCommand(["./tool"], searchPath), CliError);
});

test("what can't be run is 66, with the reason", async () => {
  await using folders = await twoFolders();
  const { root, searchPath } = folders;
  await folders.write("a/data", 0o644);
  const inPath = "there is no such command in PATH.";
  const asFile = "there is no executable file of that name.";
  for (
    const [name, why] of [
      ["data", inPath],
      ["nothing", inPath],
      ["", inPath],
      [`${root}/a/data`, asFile],
      [`${root}/a`, asFile],
      [`${root}/a/data/x`, asFile],
      [`${root}/nothing`, asFile],
    ]
  ) {
    await assert.rejects(findCommand([name!], searchPath), (error) => {
      assert.ok(error instanceof CliError);
      assert.equal(error.status, 66);
      assert.equal(error.message, `cannot run "${name}": ${why}`);
      return true;
    });
  }
});
