// Tests of src/procedures/command/exec.ts, on real processes.

import assert from "node:assert/strict";
import { createExec } from "../../../src/procedures/command/exec.ts";
import { setTimeout as delay } from "node:timers/promises";
import type { Service } from "../../../src/procedures/service.ts";
import { testNeeding } from "../../support/needs.ts";
import {
  groupEnd,
  groupMembers,
  processGroupsMissing,
} from "../../support/process_groups.ts";
import { within } from "../../support/within.ts";
import { commandLine, LogLines, request, Run, script } from "./running.ts";

const needs = [processGroupsMissing()];
const MIB = 1024 * 1024;

function execTest(name: string, fn: () => Promise<void>): void {
  testNeeding(name, { needs }, fn);
}

/** A service that logs to `log`. */
function serve(
  command: Parameters<typeof createExec>[0],
  options: Omit<Parameters<typeof createExec>[1], "log"> = {},
) {
  const log = new LogLines();
  const service = createExec(command, { ...options, log: log.add });
  return {
    log,
    run: (...args: Parameters<typeof request>) =>
      new Run(service, request(...args)),
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
    },
  };
}

/** Starts a script that logs its process group, and waits until it does. */
async function startLogged(text: string) {
  const service = serve(script(`echo $$ >&2; ${text}`));
  const run = service.run();
  const [, pgid] = await service.log.waitFor(/^sh: (\d+)$/);
  return { service, run, pgid: Number(pgid) };
}

execTest("the body is stdin, stdout is the reply", async () => {
  await using tr = serve(commandLine("tr", "a-z", "A-Z"));
  assert.equal(await tr.run("hello").text(), "HELLO");
  assert.equal(await tr.run("").text(), "");
  assert.deepEqual(tr.log.lines, []);
});

for (const hostile of ["; rm -rf x", "$(id)", "`id`", "-h", "a\0b", "\n"]) {
  execTest(
    `a body is nothing but input: ${JSON.stringify(hostile)}`,
    async () => {
      await using cat = serve(commandLine("cat"));
      await using sh = serve(script("cat"));
      assert.equal(await cat.run(hostile).text(), hostile);
      assert.equal(await sh.run(hostile).text(), hostile);
    },
  );
}

execTest("a body of 20 MiB comes whole, there and back", async () => {
  const body = new Uint8Array(20 * MIB).map((_, i) => i * 31 >> 3);
  await using cat = serve(commandLine("cat"), { maxReplyBytes: 20 * MIB });
  const reply = await cat.run(body).reply();
  assert.equal(reply.length, body.length);
  assert.ok(reply.every((byte, i) => byte === body[i]));
});

execTest("a longer reply is cut off, and names the limit", async () => {
  await using yes = serve(commandLine("yes"), { maxReplyBytes: MIB });
  const error = await yes.run().failure();
  assert.equal(error.code, "resource_exhausted");
  const expected = "a reply of more than 1MiB: the server's limit is 1MiB";
  assert.equal(error.message, expected);
  assert.deepEqual(error.details, { limit: "max_reply_bytes", max: MIB });
  await using head = serve(commandLine("head", "-c", `${MIB}`, "/dev/zero"), {
    maxReplyBytes: MIB,
  });
  assert.equal((await head.run().reply()).length, MIB);
});

execTest("a body that is not read is no error", async () => {
  await using echo = serve(commandLine("echo", "done"));
  const body = new Uint8Array(8 * MIB);
  assert.equal(await echo.run(body).text(), "done\n");
});

execTest("metadata is in the environment", async () => {
  await using env = serve(commandLine("env"));
  const properties = {
    correlationId: "$(id)",
    type: "resize",
    headers: { "x-user": "; id" },
  };
  const lines = (await env.run("", properties).text()).split("\n");
  for (
    const line of [
      "RABBIT_RPC_CORRELATION_ID=$(id)",
      "RABBIT_RPC_REQUEST_TYPE=resize",
      "RABBIT_RPC_HEADER_X_USER=; id",
      "RABBIT_RPC_MESSAGE_ID=",
    ]
  ) assert.ok(lines.includes(line), `${line} is missing`);
  const timeout = lines.find((line) =>
    line.startsWith("RABBIT_RPC_TIMEOUT_MS")
  );
  assert.match(timeout!, /=(29\d{3}|30000)$/);
});

execTest("metadata that can't be passed on starts no command", async () => {
  await using touch = serve(script("echo started >&2"));
  const { code } = await touch.run("", { messageId: "\0" }).failure();
  assert.equal(code, "invalid_argument");
  assert.equal(await touch.run().text(), "");
  await touch.log.waitFor(/^sh: started$/);
  assert.deepEqual(touch.log.lines, ["sh: started"]);
});

execTest("an exit status is an error, and stderr is for the log", async () => {
  await using failing = serve(script("echo secret >&2; echo out; exit 2"));
  const { code, message, details } = await failing.run().failure();
  assert.deepEqual([code, message], ["internal", '"sh" exited with status 2']);
  assert.deepEqual(details, { exit_status: 2 });
  assert.deepEqual(failing.log.lines, ["sh: secret"]);
});

execTest("a signal is an error", async () => {
  await using killed = serve(script("kill -KILL $$"));
  const { code, message, details } = await killed.run().failure();
  assert.deepEqual([code, message], ["internal", '"sh" was killed by SIGKILL']);
  assert.deepEqual(details, { signal: "SIGKILL" });
});

execTest("a command that can't be started is an error", async () => {
  await using missing = serve({ name: "x", path: "/nowhere/x", args: [] });
  const { code, message } = await missing.run().failure();
  assert.deepEqual([code, message], ["internal", '"x" could not be started']);
  assert.match(missing.log.lines[0]!, /^cannot start "x": /);
});

execTest("a flood on stderr is cut, and holds up nothing", async () => {
  await using noisy = serve(script("yes | head -n 100000 >&2; echo done"));
  assert.equal(await noisy.run().text(), "done\n");
  const { length } = noisy.log.lines;
  assert.ok(length < 2_000, `${length} lines`);
  assert.match(noisy.log.lines.at(-1)!, /^sh: lines dropped: \d+$/);
});

execTest("a run that is aborted ends with all that it started", async () => {
  const { service, run, pgid } = await startLogged("sleep 100 | sleep 100");
  await using _service = service;
  assert.notDeepEqual(await groupMembers(pgid), []);
  run.abort();
  assert.equal((await run.failure()).code, "deadline_exceeded");
  await groupEnd(pgid);
});

execTest("a service that is closed leaves nothing behind", async () => {
  const { service, run, pgid } = await startLogged("sleep 100 & sleep 100");
  await within("its end", service[Symbol.asyncDispose]());
  await groupEnd(pgid);
  assert.equal((await run.failure()).code, "internal");
});

execTest("a process that is being ended keeps its place", async () => {
  // Ends at the second signal, SIGKILL, 2 s after the first.
  await using service = serve(
    script(
      "trap '' TERM; echo $$ >&2; read line; while true; do sleep 1; done",
    ),
    { concurrency: 1 },
  );
  const first = service.run();
  const [, pgid] = await service.log.waitFor(/^sh: (\d+)$/);
  first.abort();
  const second = service.run();
  const third = service.run();
  third.abort();
  assert.equal((await third.failure()).code, "deadline_exceeded");
  // The second one's line comes when the first one has gone.
  const other = new RegExp(`^sh: (?!${pgid}$)(\\d+)$`);
  const [, next] = await service.log.waitFor(other);
  assert.deepEqual(await groupMembers(Number(pgid)), []);
  second.abort();
  await groupEnd(Number(next));
});

/** A stream of a service, read item by item. */
function streamOf(service: Service, signal: AbortSignal, body = "") {
  const context = {
    signal,
    deadlineMs: Infinity,
    request: request(body),
    progress() {},
  };
  const items = service.procedure(context.request, context);
  return (items as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
}

const { signal: never } = new AbortController();

async function* texts(iterator: AsyncIterator<Uint8Array>) {
  const decoder = new TextDecoder();
  for (let next; !(next = await iterator.next()).done;) {
    yield decoder.decode(next.value);
  }
}

execTest(
  "lines are items, with their newlines, the last one without",
  async () => {
    const log = () => {};
    const command = script("printf 'a\\n\\nb'");
    await using service = createExec(command, { log, stream: "lines" });
    const items = await Array.fromAsync(texts(streamOf(service, never)));
    assert.deepEqual(items, ["a\n", "\n", "b"]);
  },
);

execTest("a line over the limit of replies ends the stream", async () => {
  const options = { log() {}, stream: "lines" as const, maxReplyBytes: 4 };
  await using service = createExec(script("echo abc; echo abcd"), options);
  const items = texts(streamOf(service, never));
  assert.equal((await items.next()).value, "abc\n");
  await assert.rejects(items.next(), { code: "resource_exhausted" });
});

execTest("what is left in the pipe is not lost on a slow reader", async () => {
  const options = { log() {}, stream: "chunks" as const };
  const command = script("head -c 300000 /dev/zero; echo end");
  await using service = createExec(command, options);
  const items = texts(streamOf(service, never));
  let read = (await items.next()).value!;
  // The command is killed with what it left behind 2 s after its end.
  await delay(3_000);
  for await (const text of items) read += text;
  assert.equal(read.length, 300_004);
  assert.ok(read.endsWith("end\n"));
});

execTest("who leaves a stream ends its command", async () => {
  const log = new LogLines();
  const command = script("echo $$ >&2; exec yes");
  const options = { log: log.add, stream: "chunks" as const };
  await using service = createExec(command, options);
  const stream = streamOf(service, never);
  await stream.next();
  const [, pgid] = await log.waitFor(/^sh: (\d+)$/);
  await within("the end", stream.return!());
  assert.deepEqual(await groupMembers(Number(pgid)), []);
});
