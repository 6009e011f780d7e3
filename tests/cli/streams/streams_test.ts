// Streams as a user sees them: server --stream and client --stream, on RabbitMQ
// and on the development broker.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { startBroker } from "../../../src/broker/broker.ts";
import {
  groupEnd,
  processGroupsMissing,
} from "../../support/process_groups.ts";
import { test } from "../../support/needs.ts";
import { startProcess } from "../../support/process.ts";
import { commandLine } from "../../support/program.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { waitUntil } from "../../support/wait.ts";
import { type Scene, scene, temporaryFile } from "../scene.ts";

const needs = [processGroupsMissing()];

/** A test on both kinds of brokers. */
function streamTest(name: string, fn: (place: Scene) => Promise<void>): void {
  rabbitMqTest(`${name} (RabbitMQ)`, { needs }, async () => {
    await fn(await scene());
  });
  test(`${name} (development broker)`, async () => {
    await using broker = await startBroker();
    await fn(await scene({ url: broker.url }));
  });
}

const COUNT = ["--stream=lines", "--", "seq", "3"];
const SHELL = ["--stream", "--", "sh", "-c"];

/** A pipeline whose `"$@"` is a client that reads a stream. */
async function startPipeline(place: Scene, pipeline: string) {
  const words = ["client", "-u", place.url, place.queue, "--stream", ""];
  const client = await commandLine(words);
  return startProcess("sh", ["-c", pipeline, "sh", ...client]);
}

streamTest("stdout of a command comes item by item", async (place) => {
  await using _server = await place.serve(COUNT);
  const stream = await place.client(["--stream", ""]);
  assert.deepEqual(stream, { ...stream, code: 0, stdout: "1\n2\n3\n" });
  const { stdout } = await place.client(["--stream", "--json", ""]);
  const items = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(
    items,
    ["1\n", "2\n", "3\n"].map((body, seq) => ({ id: 1, ok: true, seq, body })),
  );
  // Who knows nothing of streams gets one reply.
  assert.equal((await place.client([""])).stdout, "1\n2\n3\n");
});

streamTest("items come before the command ends", async (place) => {
  const command = 'echo $$; read -r line; echo "$line"; sleep 1000';
  await using _server = await place.serve([...SHELL, command]);
  await using client = await place.startClient(["--stream", "hello\n"]);
  const pgid = await client.waitFor(/^\d+$/);
  await client.waitFor("hello");
  client.kill("SIGINT");
  assert.equal((await client.result()).code, 130);
  await groupEnd(Number(pgid));
});

streamTest("a failure comes after the items before it", async (place) => {
  const command = ["--stream=lines", "--", "sh", "-c", "echo one; exit 3"];
  await using _server = await place.serve(command);
  const { code, stdout, stderr } = await place.client(["--stream", ""]);
  assert.deepEqual([code, stdout], [1, "one\n"]);
  assert.match(stderr, /internal: "sh" exited with status 3\.\n$/);
  const json = (await place.client(["--stream", "--json", ""])).stdout;
  const [item, failure] = json.trim().split("\n").map((it) => JSON.parse(it));
  assert.equal(item.body, "one\n");
  const { ok, error } = failure;
  assert.deepEqual([ok, error.code, error.items], [false, "internal", 1]);
});

streamTest("a stream into head -1 ends at the far end too", async (place) => {
  const command = "echo $$ >&2; exec yes";
  await using server = await place.serve([...SHELL, command]);
  const pipeline = '{ "$@"; echo "status $?" >&2; } | head -1';
  await using running = await startPipeline(place, pipeline);
  const { stdout, stderr } = await running.result();
  assert.equal(stdout, "y\n");
  assert.match(stderr, /^status (0|141)\n$/);
  const logged = await server.waitFor("rabbit-rpc: sh: ", "stderr");
  await groupEnd(Number(logged.split(" ").at(-1)));
});

streamTest("a reader that stops reading stops the command", async (place) => {
  await using written = await temporaryFile("");
  await using ended = await temporaryFile("");
  const command = `while printf x >>'${written.path}'; do printf %64000s; done`;
  await using _server = await place.serve([...SHELL, command]);
  // The reader takes nothing, and ends when the file has content.
  const pipeline = `"$@" | while ! [ -s '${ended.path}' ]; do sleep 0.1; done`;
  await using running = await startPipeline(place, pipeline);
  let before = -1;
  await waitUntil("the command to stand still", async () => {
    const { size } = await Deno.stat(written.path);
    const isStill = size > 0 && size === before;
    before = size;
    if (!isStill) await delay(1_000);
    return isStill;
  }, 30_000);
  // Credit, the pipes between, and what the client holds for its stdout.
  assert.ok(before * 64_000 < 64 * 2 ** 20, `${before} times 64 kB`);
  await Deno.writeTextFile(ended.path, "now");
  await running.result();
});

streamTest("a batch of streams tells its requests apart", async (place) => {
  const command = ["--stream=lines", "-c", "4", "--", "sh", "-c"];
  const repeat = 'read -r n; for i in 1 2 3; do echo "$n.$i"; done';
  await using _server = await place.serve([...command, repeat]);
  const stdin = "1\n2\n3\n4\n";
  const plain = await place.client(["-l", "--stream"], { stdin });
  const expected = [1, 2, 3, 4].flatMap((n) =>
    [1, 2, 3].map((i) => `${n}.${i}`)
  );
  assert.deepEqual(plain.stdout, `${expected.join("\n")}\n`);
  const json = await place.client(["-l", "--stream", "--json"], { stdin });
  const items = json.stdout.trim().split("\n").map((it) => JSON.parse(it));
  assert.equal(items.length, 12);
  for (const { id, seq, body } of items) {
    assert.equal(body, `${id}.${seq + 1}\n`);
  }
});

streamTest("a stream over a limit is ended, and names it", async (place) => {
  const limits = ["--max-stream", "2", "--max-streams", "1", "-v"];
  await using server = await place.serve([...limits, ...COUNT]);
  const { code, stdout, stderr } = await place.client(["--stream", ""]);
  assert.deepEqual([code, stdout], [1, "1\n2\n"]);
  assert.match(stderr, /resource_exhausted: .*2 items/);
  const logged = "answered 2 items, then resource_exhausted";
  assert.match(await server.waitFor(logged, "stderr"), /\(--max-stream\)/);
});

for (const workers of ["0", "1"]) {
  streamTest(
    `a module streams by generators, ${workers} workers`,
    async (place) => {
      await using module = await temporaryFile(
        `export default async function* (request, context) {
        const total = Number(request.text());
        for (let done = 1; done <= total; done++) {
          context.progress({ done, total, note: "counting" });
          yield done + "\\n";
        }
        if (total === 0) return;
        throw Object.assign(new Error("no more"), { code: "out_of_range" });
      }`,
      );
      const args = ["--module", module.path, "--workers", workers];
      await using _server = await place.serve(args);
      const { code, stdout, stderr } = await place.client([
        "--stream",
        "--progress",
        "100",
      ]);
      const numbers = Array.from({ length: 100 }, (_, i) => `${i + 1}\n`);
      assert.deepEqual([code, stdout], [1, numbers.join("")]);
      assert.match(stderr, /100% \[#+\] 100 of 100: counting\n/);
      assert.match(stderr, /procedure failed: out_of_range: no more\.\n$/);
      const none = await place.client(["--stream", "--json", "0"]);
      assert.deepEqual([none.code, none.stdout], [0, ""]);
    },
  );
}

streamTest("a client in a command keeps to its request", async (place) => {
  const inner = await scene({ url: place.url });
  await using waiting = await inner.serve(["-v", "--builtin", "sleep"]);
  const words = ["client", "-u", inner.url, inner.queue, "60000"];
  const client = await commandLine(words);
  await using _server = await place.serve(["--", ...client]);
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const env = { TRACEPARENT: traceparent };
  const { code } = await place.client(["-t", "3s", ""], { env });
  assert.equal(code, 124);
  // Its own timeout would be 30 s.
  await waiting.waitFor("answered deadline_exceeded", "stderr");
});

streamTest("a command knows the trace of its request", async (place) => {
  await using _server = await place.serve([
    "--",
    "sh",
    "-c",
    "echo $TRACEPARENT",
  ]);
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const env = { TRACEPARENT: traceparent };
  assert.equal((await place.client([""], { env })).stdout, `${traceparent}\n`);
});
