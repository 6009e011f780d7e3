// Tests of src/async/end_of_turn.ts.

import assert from "node:assert/strict";
import process from "node:process";
import { afterMicrotasks } from "../../src/async/end_of_turn.ts";
import { within } from "../support/within.ts";

/** What happens, in order, where a chain of microtasks is begun as well. */
async function order(begin: (run: () => void) => void): Promise<string[]> {
  const happened: string[] = [];
  const called = Promise.withResolvers<void>();
  const chain = async () => {
    for (let n = 0; n < 20; n++) await Promise.resolve();
    happened.push("microtasks");
  };
  begin(() => {
    afterMicrotasks(() => {
      happened.push("callback");
      called.resolve();
    });
    void chain();
  });
  await within("the callback", called.promise);
  return happened;
}

const PLACES: [string, (run: () => void) => void][] = [
  ["a microtask", (run) => queueMicrotask(run)],
  ["a timer", (run) => setTimeout(run, 0)],
  ["a tick", (run) => process.nextTick(run)],
  [
    "an operation",
    (run) => void Deno.permissions.query({ name: "net" }).then(run),
  ],
];
for (const [name, begin] of PLACES) {
  Deno.test(`all microtasks run before what is asked for in ${name}`, async () => {
    assert.deepEqual(await order(begin), ["microtasks", "callback"]);
  });
}
