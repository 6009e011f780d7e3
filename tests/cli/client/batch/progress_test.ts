// The line that tells how far a batch is.

import assert from "node:assert/strict";
import { progressLine } from "../../../../src/cli/client/batch/progress.ts";

const plain = (_: string, text: string) => text;
const STATE = {
  done: 1234,
  failed: 5,
  rate: 99.6,
  fraction: 0.5,
  secondsLeft: 61.2,
};

Deno.test("the progress line has a bar as wide as there is room", () => {
  const figures = "1,234 done, 5 failed, 100/s, 1:02 left";
  assert.equal(
    progressLine(STATE, 100, plain),
    ` 50% [${"#".repeat(15)}${" ".repeat(15)}] ${figures}`,
  );
  assert.equal(
    progressLine(STATE, 60, plain),
    ` 50% [${"#".repeat(6)}${" ".repeat(7)}] ${figures}`,
  );
  assert.equal(progressLine(STATE, 50, plain), ` 50% ${figures}`);
});

Deno.test("the progress line never fills its terminal", () => {
  for (let columns = 1; columns < 120; columns++) {
    const { length } = progressLine(STATE, columns, plain);
    assert.ok(length < columns, `${length} of ${columns}`);
  }
});

Deno.test("what is not known is left out", () => {
  const unknown = { ...STATE, fraction: undefined, secondsLeft: undefined };
  assert.equal(
    progressLine(unknown, 80, plain),
    "1,234 done, 5 failed, 100/s",
  );
});

Deno.test("failures alone are painted", () => {
  const paint = (style: string, text: string) => `<${style}>${text}</>`;
  const line = progressLine(STATE, 80, paint);
  assert.ok(line.includes("done, <red>5 failed</>, "), line);
  const none = progressLine({ ...STATE, failed: 0 }, 80, paint);
  assert.ok(none.includes("done, 0 failed, "), none);
});

for (
  const [secondsLeft, shown] of [[0, "0:00"], [59.5, "1:00"], [
    3725,
    "1:02:05",
  ]] as const
) {
  Deno.test(`time left: ${shown}`, () => {
    const line = progressLine({ ...STATE, secondsLeft }, 80, plain);
    assert.ok(line.endsWith(`, ${shown} left`), line);
  });
}
