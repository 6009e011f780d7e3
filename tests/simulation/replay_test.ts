// A seed makes the same history, to the byte, in every process and on every
// version of Deno that is supported.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { test, testNeeding } from "../support/needs.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const FIRST_SEED = 1;
const HISTORIES = 20;
/** The oldest that is supported, or the newest where that runs. */
const OTHER = Deno.version.deno === "2.4.2" ? "2" : "2.4.2";
const isSlow = Deno.permissions.querySync({ name: "env" }).state ===
    "granted" && Deno.env.get("RABBIT_RPC_TEST_SLOW") === "1";

async function output(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    env: { NO_COLOR: "1" },
  }).output();
  const [text, errors] = [stdout, stderr].map((it) =>
    new TextDecoder().decode(it)
  );
  assert.ok(success, errors);
  return text!;
}

/** A line for each history. */
async function digests(deno: string, ...before: string[]): Promise<string[]> {
  const text = await output(deno, [
    ...before,
    "run",
    "--no-check",
    "--no-lock",
    "--allow-read",
    "--allow-env",
    MAIN,
    `--seed=${FIRST_SEED}`,
    `--histories=${HISTORIES}`,
    "--digest",
  ]);
  return text.trimEnd().split("\n");
}

/** Why there is no other Deno here; looked for where slow tests are run. */
async function otherMissing(): Promise<string | undefined> {
  if (!isSlow) return undefined;
  try {
    await output("npx", ["--yes", `deno@${OTHER}`, "--version"]);
  } catch (error) {
    return `npx can't get Deno ${OTHER}: ${error}`;
  }
}

test("the same seeds give the same traces in another process", async () => {
  const [one, other] = await Promise.all([
    digests(Deno.execPath()),
    digests(Deno.execPath()),
  ]);
  assert.equal(one.length, HISTORIES);
  assert.equal(new Set(one.map((line) => line.split(" ").at(-1))).size, 20);
  assert.deepEqual(other, one);
});

testNeeding(
  `the same seeds give the same traces on Deno ${OTHER}`,
  { needs: [await otherMissing()], slow: true },
  async () => {
    const [here, there] = await Promise.all([
      digests(Deno.execPath()),
      digests("npx", "--yes", `deno@${OTHER}`),
    ]);
    assert.deepEqual(there, here);
  },
);
