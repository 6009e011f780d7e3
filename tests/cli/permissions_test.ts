// What a subcommand may still do once it runs: tried, in the same process.

import assert from "node:assert/strict";
import { test } from "../support/needs.ts";
import { runProcess } from "../support/process.ts";
import { temporaryFile } from "./scene.ts";

/** By name: of --allow-all, Deno 2.4 takes nothing back. */
const ALL = ["net", "read", "write", "run", "env", "sys", "ffi"];
const PROBE = `${import.meta.dirname}/permissions_probe.ts`;
const ROOT = `${import.meta.dirname}/../..`;
const NOWHERE = ["-u", "amqp://127.0.0.1:1"];
/** Found out by the server itself, once it runs. */
const TOO_MANY = ["--heartbeat", "65536s", ...NOWHERE];
const ANY_PORT = ["--listen", "127.0.0.1:0"];

/** Runs a subcommand with all permissions, and tells which it has kept. */
async function kept(args: string[]): Promise<unknown> {
  const granted = ALL.map((name) => `--allow-${name}`);
  const command = [
    ...["run", "--quiet", "--no-prompt", ...granted],
    ...["--config", `${ROOT}/deno.json`, PROBE, ...args],
  ];
  const { stdout, stderr } = await runProcess(Deno.execPath(), command);
  const line = stdout.trim().split("\n").at(-1)!;
  assert.match(line, /^\{/, stderr);
  return JSON.parse(line);
}

/** A call that soon ends, its status, and what it keeps. */
const CALLS: [string[], number, string[]][] = [
  [["client", "q", "x", ...NOWHERE], 75, ["net"]],
  [["client", "q", "@/etc/passwd", ...NOWHERE], 75, ["net", "read"]],
  [["client", "q", "-l", ...NOWHERE], 0, ["net"]],
  [["client", "q", "--dry-run", "x", ...NOWHERE], 0, []],
  // Whether the file is the input is seen by looking at it.
  [
    ["client", "q", "-l", "--failed", "/dev/null", ...NOWHERE],
    0,
    ["net", "read", "write"],
  ],
  [["status", ...NOWHERE], 75, ["net"]],
  [["completions", "bash"], 0, ["env"]],
  [["bench", "q", ...NOWHERE], 75, ["net"]],
  [["bench", "q", "-o", "/dev/null", ...NOWHERE], 75, ["net", "write"]],
  [["server", "q", "--builtin", "echo", ...TOO_MANY], 64, ["net"]],
  // The scripts of worker threads are files.
  [["server", "q", "--builtin", "fib", ...TOO_MANY], 64, ["net", "read"]],
  [["broker", ...ANY_PORT, "--", "true"], 0, ["net", "run"]],
];

for (const [args, status, allowed] of CALLS) {
  test(`permissions kept by: ${args.join(" ")}`, async () => {
    const expected = { status, allowed, importing: "prompt" };
    assert.deepEqual(await kept(args), expected);
  });
}

test("permissions kept by a broker that runs no command", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  assert.deepEqual(
    await kept(["broker", "--listen", `127.0.0.1:${port}`]),
    { status: 75, allowed: ["net"], importing: "prompt" },
  );
});

test("files that flags name are read", async () => {
  await using password = await temporaryFile("s3cr3t");
  const flags = ["--password-file", password.path];
  const expected = {
    status: 75,
    allowed: ["net", "read"],
    importing: "prompt",
  };
  assert.deepEqual(
    await kept(["client", "q", "x", ...NOWHERE, ...flags]),
    expected,
  );
});
