// Tests of src/rpc/limits.ts.

import { timerMs } from "../../src/async/timers.ts";
import assert from "node:assert/strict";
import { durationMs, queueName, wholeNumber } from "../../src/rpc/limits.ts";
import { formatMs } from "../../src/rpc/texts.ts";

Deno.test("wholeNumber() takes what lies within the limits", () => {
  assert.equal(wholeNumber("n", 1, 1, 3), 1);
  assert.equal(wholeNumber("n", 3, 1, 3), 3);
  assert.equal(wholeNumber("n", Number.MAX_SAFE_INTEGER, 0), 2 ** 53 - 1);
});

Deno.test("wholeNumber() names option, limits and value", () => {
  const message = "n must be a whole number from 1 to 3, got 4";
  assert.throws(() => wholeNumber("n", 4, 1, 3), new RangeError(message));
  const open = "n must be a whole number, 1 or more, got 0";
  assert.throws(() => wholeNumber("n", 0, 1), new RangeError(open));
  for (const bad of [1.5, NaN, Infinity, -1]) {
    assert.throws(() => wholeNumber("n", bad, 0), RangeError, String(bad));
  }
});

Deno.test("durationMs() takes a finite time above zero", () => {
  assert.equal(durationMs("t", 0.5), 0.5);
  for (const bad of [0, -1, NaN, Infinity]) {
    const message = `t must be a number of ms above 0, got ${bad}`;
    assert.throws(() => durationMs("t", bad), new RangeError(message));
  }
});

Deno.test("queueName() counts bytes, not characters", () => {
  assert.equal(queueName("q"), "q");
  assert.equal(queueName("ä".repeat(127)), "ä".repeat(127));
  assert.throws(() => queueName("ä".repeat(128)), /1 to 255 bytes, got 256/);
  assert.throws(() => queueName(""), RangeError);
});

Deno.test("queueName() refuses what RabbitMQ would drop", () => {
  for (const name of ["a\nb", "a\r", "\n", `${"q".repeat(200)}\r\n`]) {
    assert.throws(() => queueName(name), /queue must be a name without line/);
  }
  assert.equal(queueName("a\tb"), "a\tb");
});

Deno.test("what is of another type is refused by name and kind", () => {
  const refused = (run: () => unknown, message: string) =>
    assert.throws(run, new TypeError(message));
  refused(
    () => durationMs("timeoutMs", "5" as never),
    'timeoutMs must be a number of ms above 0, got the string "5"',
  );
  refused(
    () => wholeNumber("retries", new Map() as never, 0),
    "retries must be a whole number, 0 or more, got a Map",
  );
  refused(
    () => queueName(5 as never),
    "queue must be a name, got the number 5",
  );
  refused(
    () => queueName(undefined as never),
    "queue must be a name, got undefined",
  );
});

Deno.test("a timer gets what it can hold", () => {
  const most = 2 ** 31 - 1;
  for (const [ms, held] of [[1.5, 1.5], [most, most], [most + 1, most]]) {
    assert.equal(timerMs(ms!), held);
  }
  for (const none of [0, -1, -Infinity, NaN]) assert.equal(timerMs(none), 0);
  assert.equal(timerMs(Infinity), most);
});

Deno.test("formatMs() reads well", () => {
  const texts = [
    0.4,
    500,
    1000,
    1500,
    30_000,
    60_000,
    90_000,
    120_000,
    7_200_000,
  ]
    .map(formatMs);
  const expected = [
    "0ms",
    "500ms",
    "1s",
    "1.5s",
    "30s",
    "1m",
    "90s",
    "2m",
    "2h",
  ];
  assert.deepEqual(texts, expected);
});

Deno.test("formatMs() never writes a second as 1000ms", () => {
  assert.notEqual(formatMs(999.6), "1000ms");
});
