// What --queue-arg means; without a broker.

import assert from "node:assert/strict";
import {
  parseQueueArguments,
  queueDeclaration,
} from "../../../src/cli/server/queue_flags.ts";
import { run } from "../../support/program.ts";
import { test } from "../../support/needs.ts";

const VALUES: [string, Record<string, unknown>][] = [
  ["x-max-priority=10", { "x-max-priority": 10 }],
  ["a=-1", { a: -1 }],
  ["a=9007199254740993", { a: 9007199254740993n }],
  ["a=0.5", { a: 0.5 }],
  ["a=true", { a: true }],
  ["a=false", { a: false }],
  ['a="10"', { a: "10" }],
  ["a=reject-publish", { a: "reject-publish" }],
  ["a=", { a: "" }],
  ["a=b=c", { a: "b=c" }],
  ["a=1,b=x,y,c=true", { a: 1, b: "x,y", c: true }],
  ["a=null", { a: "null" }],
  ['a={"b":1}', { a: '{"b":1}' }],
];

for (const [text, args] of VALUES) {
  Deno.test(`--queue-arg ${text}`, () => {
    assert.deepEqual(parseQueueArguments(text, {}), args);
  });
}

Deno.test("a repeated --queue-arg adds to those before", () => {
  const before = parseQueueArguments("a=1,b=2", {});
  assert.deepEqual(parseQueueArguments("b=3", before), { a: 1, b: 3 });
  assert.deepEqual(before, { a: 1, b: 2 });
});

for (const text of ["a", "=1", "a=9223372036854775808"]) {
  Deno.test(`no argument: --queue-arg ${text}`, () => {
    assert.throws(() => parseQueueArguments(text, {}), {
      name: "InvalidArgumentError",
    });
  });
}

Deno.test("what another flag says may be said twice, not otherwise", () => {
  const flags = {
    declare: "auto",
    queueType: "quorum",
    queueArg: { "x-queue-type": "quorum", "x-dead-letter-exchange": "dead" },
  } as const;
  assert.equal(queueDeclaration(flags).arguments, flags.queueArg);
  assert.throws(
    () => queueDeclaration({ ...flags, deadLetter: "other" }),
    /--queue-arg x-dead-letter-exchange=dead contradicts --dead-letter other/,
  );
});

test("a contradiction is wrong usage", async () => {
  const { code, stderr } = await run([
    ...["server", "q", "--builtin", "echo"],
    ...["--queue-arg", "x-queue-type=quorum"],
  ]);
  assert.equal(code, 64);
  assert.equal(
    stderr,
    "rabbit-rpc: --queue-arg x-queue-type=quorum contradicts --queue-type " +
      "classic; use --queue-type alone.\n",
  );
});

test("--priority is from 0 to 255", async () => {
  for (const priority of ["256", "-1", "x"]) {
    const { code, stderr } = await run([
      "client",
      "q",
      "x",
      `--priority=${priority}`,
    ]);
    assert.equal(code, 64);
    assert.match(stderr, /--priority.*whole number from 0 to 255/);
  }
});
