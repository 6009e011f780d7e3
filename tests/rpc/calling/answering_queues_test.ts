// Tests of src/rpc/calling/answering_queues.ts.

import assert from "node:assert/strict";
import {
  AnsweringQueues,
  DOUBT_MS,
} from "../../../src/rpc/calling/answering_queues.ts";
import { FakeTime } from "../../support/fake_time.ts";

Deno.test("a queue answers from its first reply on", () => {
  const queues = new AnsweringQueues();
  assert.equal(queues.has("q"), false);
  queues.answered("q");
  queues.answered("q");
  assert.equal(queues.has("q"), true);
  assert.equal(queues.has("other"), false);
});

Deno.test("after a failure it takes time and a reply", () => {
  using time = new FakeTime(1000);
  const queues = new AnsweringQueues();
  queues.answered("q");
  queues.answered("other");
  queues.failed("q");
  assert.equal(queues.has("q"), false);
  assert.equal(queues.has("other"), true);
  time.advance(DOUBT_MS - 1);
  queues.answered("q");
  assert.equal(queues.has("q"), false);
  time.advance(1);
  assert.equal(queues.has("q"), false);
  queues.answered("q");
  assert.equal(queues.has("q"), true);
});

Deno.test("each failure counts anew", () => {
  using time = new FakeTime(1000);
  const queues = new AnsweringQueues();
  queues.failed("q");
  time.advance(DOUBT_MS - 1);
  queues.failed("q");
  time.advance(1);
  queues.answered("q");
  assert.equal(queues.has("q"), false);
});

Deno.test("any number of queues takes limited memory", () => {
  const queues = new AnsweringQueues();
  const names = Array.from({ length: 1_500 }, (_, n) => `q${n}`);
  const known = () => names.filter((name) => queues.has(name)).length;
  for (const name of names) queues.answered(name);
  assert.ok(known() > 0 && known() <= 1_000, `${known()}`);
  for (const name of names) queues.failed(name);
  assert.equal(known(), 0);
  // Some of the doubts have been forgotten, too.
  for (const name of names) queues.answered(name);
  assert.ok(known() >= 500 && known() < 1_500, `${known()}`);
});

Deno.test("a wall clock that is set changes no doubt", () => {
  using time = new FakeTime(1_000_000);
  const queues = new AnsweringQueues();
  queues.failed("q");
  time.setWallClock(2 * DOUBT_MS);
  queues.answered("q");
  assert.equal(queues.has("q"), false);
  time.setWallClock(-4 * DOUBT_MS);
  time.advance(DOUBT_MS);
  queues.answered("q");
  assert.equal(queues.has("q"), true);
});
