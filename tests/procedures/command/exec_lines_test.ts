// Tests of src/procedures/command/exec_lines.ts, on a real child.

import assert from "node:assert/strict";
import { createExecLines } from "../../../src/procedures/command/exec_lines.ts";
import type { CommandLine } from "../../../src/procedures/command/process_group.ts";
import type { Service } from "../../../src/procedures/service.ts";
import { testNeeding } from "../../support/needs.ts";
import { PYTHON, pythonMissing } from "../../support/peers.ts";
import {
  groupEnd,
  processGroupsMissing,
} from "../../support/process_groups.ts";
import { within } from "../../support/within.ts";
import { LogLines, request, Run, script } from "./running.ts";

const needs = [processGroupsMissing(), pythonMissing()];
const CHILD: CommandLine = {
  name: "child",
  path: PYTHON,
  args: [`${import.meta.dirname}/../../peers/line_child.py`],
};

function linesTest(name: string, fn: () => Promise<void>): void {
  testNeeding(name, { needs }, fn);
}

function serve(command = CHILD, options: { maxReplyBytes?: number } = {}) {
  const log = new LogLines();
  const service = createExecLines(command, { ...options, log: log.add });
  const run = (...args: Parameters<typeof request>) =>
    new Run(service, request(...args));
  return {
    log,
    run,
    ask: (body: string) => run(body).text(),
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
    },
  };
}

linesTest("one child answers all requests", async () => {
  await using child = serve();
  const first = await child.ask("pid");
  assert.equal(await child.ask("hello"), "hello");
  assert.equal(await child.ask("pid"), first);
  assert.deepEqual(child.log.lines, []);
});

linesTest("the child is told all of a request", async () => {
  await using child = serve();
  const properties = {
    type: "m",
    correlationId: "theirs",
    headers: { a: "b" },
  };
  const shown = JSON.parse(await child.run("show", properties).text());
  const { id, timeout_ms, deadline, ...rest } = shown;
  assert.deepEqual(rest, { type: "m", headers: { a: "b" }, body: "show" });
  assert.notEqual(id, "theirs");
  assert.ok(timeout_ms > 25_000 && timeout_ms <= 30_000, timeout_ms);
  assert.ok(Math.abs(deadline - Date.now() - timeout_ms) < 5_000, deadline);
});

linesTest("bodies come as they were", async () => {
  await using child = serve();
  for (const body of ["", "a\nb\r\n", "\0", "é\u2028", "$(id); `id`"]) {
    assert.equal(await child.ask(body), body);
  }
  const bytes = Uint8Array.of(0, 0xff, 10, 0xc3);
  assert.deepEqual([...await child.run(bytes).reply()], [...bytes]);
});

linesTest("bodies that fill the pipe many times come whole", async () => {
  await using child = serve();
  const bodies = ["x", "\u00e9", "\n"].map((text) => text.repeat(4_000_000));
  const replies = await Promise.all(bodies.map((body) => child.ask(body)));
  assert.ok(replies.every((reply, i) => reply === bodies[i]));
});

linesTest("answers may come in any order", async () => {
  await using child = serve();
  const held = [child.ask("hold"), child.ask("hold"), child.ask("hold")];
  const order: number[] = [];
  held.forEach((reply, i) => void reply.then(() => order.push(i)));
  assert.equal(await child.ask("release"), "done");
  assert.deepEqual(await Promise.all(held), Array(3).fill("released"));
  assert.deepEqual(order, [2, 1, 0]);
});

linesTest("an answer may be an error", async () => {
  await using child = serve();
  const error = '{"code": "not_found", "detail": "no such model"}';
  const { code, message } = await child.run(`error ${error}`).failure();
  assert.deepEqual([code, message], ["not_found", "no such model"]);
});

linesTest("a reply that is too long is an error, of one request", async () => {
  await using child = serve(CHILD, { maxReplyBytes: 10 });
  const error = await child.run("12345678901").failure();
  assert.equal(error.code, "resource_exhausted");
  assert.equal(error.message, "a reply of 11 bytes: the server's limit is 10");
  assert.deepEqual(error.details, { limit: "max_reply_bytes", max: 10 });
  assert.equal(await child.ask("1234567890"), "1234567890");
});

linesTest("lines that are no answers are logged, and ignored", async () => {
  await using child = serve();
  assert.equal(await child.ask("print loading..."), "done");
  assert.equal(await child.ask('print {"id": "99", "body": "x"}'), "done");
  assert.equal(await child.ask(`print ${"x".repeat(10_000)}`), "done");
  assert.deepEqual(child.log.lines, [
    'child: invalid answer (it is not JSON): "loading..."',
    'child: answered an unknown request: "99"',
    'child: invalid answer (it is not JSON): "' +
    `${"x".repeat(64)}..."`,
  ]);
});

linesTest("an answer that is none is told at once, to both", async () => {
  await using child = serve();
  for (
    const [bytes, why] of [
      ['"body": "a\\xff"', "it is not UTF-8"],
      ['"body": "a', "it is not JSON"],
      ['"body": 5', "its body is not a string, or not base64"],
    ]
  ) {
    const { code, message } = await child.run(`raw ${bytes}`).failure();
    assert.equal(code, "internal");
    assert.equal(message, `"child" gave an invalid answer: ${why}`);
    await child.log.waitFor(
      RegExp(`^child: invalid answer \\(${why}\\): `),
    );
  }
  assert.equal(await child.ask("hello"), "hello");
});

linesTest("an answer's id may be a number, behind a BOM", async () => {
  await using child = serve();
  assert.equal(await child.ask("number"), "by number");
  assert.deepEqual(child.log.lines, []);
});

linesTest("stderr is for the log", async () => {
  await using child = serve();
  assert.equal(await child.ask("say 90% loaded"), "done");
  await child.log.waitFor(/^child: 90% loaded$/);
});

linesTest("a late answer is ignored, and others are not held up", async () => {
  await using child = serve();
  const late = child.run("hold");
  assert.equal(await child.ask("hello"), "hello");
  late.abort();
  assert.equal((await late.failure()).code, "deadline_exceeded");
  assert.equal(await child.ask("release"), "done");
  assert.equal(await child.ask("hello"), "hello");
  assert.deepEqual(child.log.lines, []);
});

linesTest("a request that is over before its turn is not sent", async () => {
  await using child = serve(script("cat >&2"));
  // More than a pipe holds: the others have to wait.
  const large = child.run("x".repeat(1_000_000));
  const late = child.run("late");
  const last = child.run("last");
  late.abort();
  await child.log.waitFor(/"body":"last"/);
  assert.ok(!child.log.lines.some((line) => line.includes('"late"')));
  for (const run of [large, last]) run.abort();
});

linesTest("a child that ends is started again", async () => {
  await using child = serve();
  const before = await child.ask("pid");
  const held = child.run("hold");
  const { code, message, details } = await child.run("exit 3").failure();
  const expected =
    '"child" exited with status 3 before its answer was complete';
  assert.deepEqual([code, message], ["aborted", expected]);
  assert.deepEqual(details, { exit_status: 3 });
  assert.equal((await held.failure()).message, expected);
  // A request that comes meanwhile waits for the next one.
  assert.notEqual(await child.ask("pid"), before);
  assert.match(
    child.log.lines[0]!,
    /^"child" exited with status 3; starting it again in \d+ms$/,
  );
});

linesTest("a line that is far too long ends the child", async () => {
  await using child = serve(CHILD, { maxReplyBytes: 10 });
  const { code, message } = await child.run("flood 1000000").failure();
  assert.equal(code, "aborted");
  const expected =
    '"child" wrote a line of more than 65596 bytes before its answer was complete';
  assert.equal(message, expected);
  assert.equal(await child.ask("hello"), "hello");
});

linesTest("a child that ends again and again is told of clearly", async () => {
  await using child = serve(script("echo broken >&2; exit 1"));
  const waiting = child.run("hello");
  await child.log.waitFor(
    /^"sh" exited with status 1 before it answered anything, 2 times in a row; starting it again in \d+ms$/,
  );
  const { code, message } = await waiting.failure();
  const expected = '"sh" exited with status 1 before its answer was complete';
  assert.deepEqual([code, message], ["aborted", expected]);
  assert.ok(child.log.lines.includes("sh: broken"));
});

linesTest("a program that is gone is told of as well", async () => {
  await using child = serve({ name: "gone", path: "/nowhere/gone", args: [] });
  const { code, message } = await child.run("hello").failure();
  assert.equal(code, "aborted");
  assert.match(
    message,
    /^"gone" could not be started: .* before its answer was complete$/,
  );
});

linesTest("a service that is closed lets its child end by itself", async () => {
  const child = serve(script("cat >/dev/null; echo bye >&2"));
  await within("its end", child[Symbol.asyncDispose]());
  assert.deepEqual(child.log.lines, ["sh: bye"]);
});

linesTest("a service that is closed leaves nothing behind", async () => {
  const child = serve(script("trap '' TERM; echo $$ >&2; sleep 100"));
  const [, pgid] = await child.log.waitFor(/^sh: (\d+)$/);
  const run = child.run("hello");
  await within("its end", child[Symbol.asyncDispose](), 20_000);
  await groupEnd(Number(pgid));
  const { code, message } = await run.failure();
  assert.deepEqual([code, message], ["aborted", "the server was stopped"]);
});

linesTest("a service that is closed between two children ends", async () => {
  const child = serve(script("exit 1"));
  await child.log.waitFor(/4 times in a row; starting it again/);
  const { length } = child.log.lines;
  await within("its end", child[Symbol.asyncDispose]());
  assert.equal(child.log.lines.length, length);
});

/** What the child answers, which is to be a stream, and its progress. */
async function streamed(service: Service, body: string) {
  const progress: unknown[] = [];
  const context = {
    signal: new AbortController().signal,
    deadlineMs: Infinity,
    request: request(body),
    progress: (value: unknown) => void progress.push(value),
  };
  const reply = await service.procedure(context.request, context);
  const items = (reply as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  return { items, progress };
}

const rest = (items: AsyncIterator<unknown>) =>
  Array.fromAsync({ [Symbol.asyncIterator]: () => items });

linesTest("a child answers with items, and tells how far it is", async () => {
  await using child = createExecLines(CHILD, { log() {} });
  const { items, progress } = await streamed(child, "stream 3");
  assert.deepEqual(await rest(items), [{ n: 0 }, { n: 1 }, { n: 2 }]);
  assert.deepEqual(progress.at(-1), { done: 3, total: 3 });
  const none = await streamed(child, "stream 0");
  assert.deepEqual(await rest(none.items), []);
});

linesTest(
  "a child waits for a slow reader, and hears of one who left",
  async () => {
    const log = new LogLines();
    await using child = createExecLines(CHILD, { log: log.add });
    const { items } = await streamed(child, "endless");
    await items.next();
    // So long nobody reads: what came meanwhile is bounded by the pipe.
    const other = new Run(child, request("behind"));
    await items.return!();
    await log.waitFor(/^child: canceled$/);
    assert.equal(await other.text(), "behind");
  },
);

linesTest("a child that dies ends its streams", async () => {
  await using child = createExecLines(CHILD, { log() {} });
  const { items } = await streamed(child, "endless");
  await items.next();
  new Run(child, request("exit 3"));
  await assert.rejects(rest(items), { code: "aborted" });
});
