// Tests of src/procedures/module/uncaught.ts. (While nothing is caught an uncaught
// error ends the tests: what is here has to be caught.)

import assert from "node:assert/strict";
import {
  UncaughtErrors,
  uncaughtLine,
} from "../../../src/procedures/module/uncaught.ts";
import { within } from "../../support/within.ts";

Deno.test("an error of a timer is known by its run", async () => {
  const caught: [string, string | undefined][] = [];
  const two = Promise.withResolvers<void>();
  using errors = new UncaughtErrors<string>((error, run) => {
    caught.push([(error as Error).message, run]);
    if (caught.length === 2) two.resolve();
  });
  const fail = (message: string) => {
    throw new Error(message);
  };
  errors.run("first", () => setTimeout(fail, 20, "late"));
  errors.run("second", () => {
    // What a timer starts is its run's as well.
    setTimeout(() => queueMicrotask(() => fail("soon")), 0);
  });
  await within("both errors", two.promise);
  // On a busy machine both timers may fire in one turn, in any order.
  assert.deepEqual(
    Object.fromEntries(caught),
    { soon: "second", late: "first" },
  );
});

Deno.test("a rejection that nobody handles is caught", async () => {
  const caught = Promise.withResolvers<unknown>();
  using errors = new UncaughtErrors<string>((error) => caught.resolve(error));
  errors.run("run", () => void Promise.reject("no error at all"));
  const error = await within("the error", caught.promise);
  assert.equal(error, "no error at all");
});

Deno.test("timers do what they did, then and afterwards", async () => {
  const { setTimeout: original } = globalThis;
  const errors = new UncaughtErrors<string>((error) => {
    throw error;
  });
  const fired = Promise.withResolvers<unknown[]>();
  errors.run("run", () => {
    clearTimeout(setTimeout(() => fired.reject(new Error("cleared")), 0));
    setTimeout((...values: unknown[]) => fired.resolve(values), 1, "a", "b");
  });
  assert.deepEqual(await within("the timer", fired.promise), ["a", "b"]);
  errors[Symbol.dispose]();
  assert.equal(globalThis.setTimeout, original);
});

Deno.test("a line for the log names the module and the place", () => {
  const error = new Error("first\nsecond");
  const line = uncaughtLine("m.js", error);
  assert.match(
    line,
    /^module "m\.js": uncaught error: first \(file:.*uncaught_test\.ts:\d+:\d+\)$/,
  );
  assert.equal(uncaughtLine("m.js", 7), 'module "m.js": uncaught error: 7');
});
