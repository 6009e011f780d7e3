// Tests of src/rpc/calling/trial.ts.

import assert from "node:assert/strict";
import { Trial, Trials } from "../../../src/rpc/calling/trial.ts";
import { RpcError } from "../../../src/rpc/errors.ts";
import { turns } from "../../support/within.ts";

function lost(replyCode?: number, maybeExecuted = true): RpcError {
  return new RpcError("unavailable", "lost", {
    reason: "connection_lost",
    maybeExecuted,
    details: replyCode === undefined ? {} : { reply_code: replyCode },
  });
}

/** A call, and its attempts to be sent. */
function trying() {
  const trial = new Trial();
  const send = () => trial.watch({ confirmed() {}, failed() {} });
  return { trial, send };
}

Deno.test("a request in flight twice when a broker closes is given up", () => {
  const { trial, send } = trying();
  send();
  assert.equal(trial.survived(lost(541)), true);
  assert.equal(trial.suspect, true);
  send();
  assert.equal(trial.survived(lost(541)), false);
});

Deno.test("what a network loses, or an operator, is no suspect", () => {
  const { trial, send } = trying();
  for (const error of [lost(), lost(320)]) {
    send();
    assert.equal(trial.survived(error), true);
    assert.equal(trial.suspect, false);
  }
});

Deno.test("one that was confirmed, or was not sent, is none either", () => {
  const { trial, send } = trying();
  send().confirmed();
  assert.equal(trial.survived(lost(541)), true);
  assert.equal(trial.suspect, false);
  assert.equal(trial.survived(lost(541, false)), true);
  assert.equal(trial.suspect, false);
});

Deno.test("a suspect that is confirmed is cleared", () => {
  const { trial, send } = trying();
  send();
  trial.survived(lost(541));
  send().confirmed();
  assert.equal(trial.suspect, false);
  assert.equal(trial.survived(lost(541)), true);
});

Deno.test("suspects are sent when those before them are settled", async () => {
  const trials = new Trials();
  const sent: string[] = [];
  const failed: string[] = [];
  const enter = (name: string, wanted = true) => {
    const trial = new Trial();
    trials.enter(trial, () => {
      if (name === "refused") throw new RpcError("internal", name);
      if (wanted) sent.push(name);
      return wanted;
    }, (error) => failed.push(error.message));
    return trial;
  };
  const settle = (trial: Trial) => trial.watch({ confirmed() {}, failed() {} });
  const first = enter("first");
  enter("not wanted any more", false);
  enter("refused");
  const second = enter("second");
  const third = enter("third");
  await turns();
  assert.deepEqual(sent, ["first"]);
  settle(first).confirmed();
  await turns();
  assert.deepEqual(sent, ["first", "second"]);
  assert.deepEqual(failed, ["refused"]);
  settle(second).failed(lost(541));
  await turns();
  assert.deepEqual(sent, ["first", "second", "third"]);
  settle(third).confirmed();
  await turns();
});
