// Tests of src/procedures/command/process_group.ts, on real processes.

import assert from "node:assert/strict";
import {
  describeEnd,
  endDetails,
  ProcessGroup,
} from "../../../src/procedures/command/process_group.ts";
import { testNeeding } from "../../support/needs.ts";
import {
  groupEnd,
  groupMembers,
  killIfThere,
  processGroupsMissing,
} from "../../support/process_groups.ts";
import { within } from "../../support/within.ts";
import { script } from "./running.ts";

const needs = [processGroupsMissing()];

function groupTest(name: string, fn: () => Promise<void>): void {
  testNeeding(name, { needs }, fn);
}

async function textOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of output) text += decoder.decode(chunk);
  return text;
}

/** Starts a script, and reads its first line: when it is ready for the test. */
async function started(text: string) {
  const group = new ProcessGroup(script(text));
  const errors = textOf(group.stderr);
  const output = group.stdout[Symbol.asyncIterator]();
  const { value } = await within("its first output", output.next());
  const first = new TextDecoder().decode(value);
  const rest = textOf({ [Symbol.asyncIterator]: () => output });
  return { group, first, rest, errors };
}

groupTest("a command reads, writes and tells its status", async () => {
  const group = new ProcessGroup(
    script('cat; echo "$GREETING" >&2; exit 3'),
    { GREETING: "hello" },
  );
  void group.write(new TextEncoder().encode("in"));
  void group.closeInput();
  const [output, errors, status] = await Promise.all([
    textOf(group.stdout),
    textOf(group.stderr),
    group.status,
  ]);
  assert.deepEqual([output, errors], ["in", "hello\n"]);
  assert.equal(describeEnd(status), "exited with status 3");
  assert.deepEqual(endDetails(status), { exit_status: 3 });
});

groupTest("SIGTERM ends a command with all that it started", async () => {
  const { group, first, rest, errors } = await started(
    "sleep 100 & (sleep 100 & sleep 100) & echo $$; wait",
  );
  const pgid = Number(first);
  const status = await within("its end", group.stop());
  assert.equal(describeEnd(status), "was killed by SIGTERM");
  assert.deepEqual(endDetails(status), { signal: "SIGTERM" });
  await groupEnd(pgid);
  await Promise.all([rest, errors]);
});

groupTest("SIGTERM leaves time to clean up, children too", async () => {
  const { group, rest, errors } = await started(
    "(trap 'sleep 0.3; echo cleaned; exit' TERM; sleep 100 & echo; wait) & wait",
  );
  await within("its end", group.stop());
  assert.equal(await rest, "cleaned\n");
  await errors;
});

groupTest("SIGKILL ends what ignores SIGTERM", async () => {
  const { group, first, rest, errors } = await started(
    "trap '' TERM; sleep 100 & echo $$; while true; do sleep 100; done",
  );
  const pgid = Number(first);
  const status = await within("its end", group.stop(), 15_000);
  assert.equal(status.signal, "SIGKILL");
  await groupEnd(pgid);
  await Promise.all([rest, errors]);
});

groupTest("what a command leaves behind ends when it exits", async () => {
  const { group, first, rest, errors } = await started(
    "trap '' TERM; sleep 100 & sleep 100 >/dev/null 2>&1 & echo $$",
  );
  assert.equal((await within("its end", group.status)).code, 0);
  await groupEnd(Number(first));
  await Promise.all([rest, errors]);
});

groupTest("an output that is held open elsewhere is given up", async () => {
  // What has a session of its own is out of reach, as a daemon is.
  const { group, first, rest, errors } = await started(
    "setsid sh -c 'echo $$; exec sleep 100' & wait $!; sleep 0.2",
  );
  const escaped = Number(first);
  try {
    const ended = group.stop();
    assert.equal((await within("its end", ended, 15_000)).success, false);
    await Promise.all([rest, errors]);
    assert.equal((await groupMembers(escaped)).length, 1);
  } finally {
    killIfThere(escaped);
  }
});

groupTest("a command need not read its input", async () => {
  const group = new ProcessGroup(script("exec true"));
  await Promise.all([
    group.write(new Uint8Array(10_000_000)),
    textOf(group.stdout),
    textOf(group.stderr),
  ]);
  assert.equal((await group.status).code, 0);
});

groupTest("finish() lets a command end by itself", async () => {
  const { group, rest, errors } = await started("echo; cat; echo bye; exit 4");
  const status = await within("its end", group.finish());
  assert.equal(status.code, 4);
  assert.equal(await rest, "bye\n");
  await errors;
});

groupTest("finish() stops a command that does not", async () => {
  const { group, rest, errors } = await started("echo; exec sleep 100");
  const status = await within("its end", group.finish(), 15_000);
  assert.equal(status.signal, "SIGTERM");
  await Promise.all([rest, errors]);
});

groupTest("a program that is missing throws at once", async () => {
  const missing = { name: "x", path: "/nowhere/x", args: [] };
  assert.throws(() => new ProcessGroup(missing), Deno.errors.NotFound);
  await Promise.resolve();
});
