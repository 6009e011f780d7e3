// Tests of src/procedures/command/child_log.ts.

import assert from "node:assert/strict";
import { ChildLog } from "../../../src/procedures/command/child_log.ts";

/** A log with a clock that a test moves. */
function newLog() {
  const lines: string[] = [];
  const clock = { nowMs: 5_000 };
  const log = new ChildLog(
    "model",
    (line) => lines.push(line),
    () => clock.nowMs,
  );
  return { log, lines, clock };
}

async function* stream(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

Deno.test("lines come under the name of the command", async () => {
  const { log, lines } = newLog();
  await log.copy(stream("loading\r\n\ndone"));
  assert.deepEqual(lines, ["model: loading", "model: ", "model: done"]);
});

Deno.test("a long line is cut, and says so", async () => {
  const { log, lines } = newLog();
  await log.copy(stream(`${"x".repeat(1025)}\n${"y".repeat(1024)}\n`));
  assert.deepEqual(lines, [
    `model: ${"x".repeat(1024)} [cut]`,
    `model: ${"y".repeat(1024)}`,
  ]);
});

Deno.test("more than 100 lines in a second are counted only", async () => {
  const { log, lines, clock } = newLog();
  await log.copy(stream("line\n".repeat(1000)));
  assert.equal(lines.length, 101);
  assert.equal(lines.at(-1), "model: lines dropped: 900");
  clock.nowMs += 999;
  log.add("still too many");
  assert.equal(lines.length, 101);
  clock.nowMs += 1;
  log.add("a new second");
  assert.deepEqual(lines.slice(101), [
    "model: lines dropped: 1",
    "a new second",
  ]);
});
