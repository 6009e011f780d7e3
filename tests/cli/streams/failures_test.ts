// Streams that fail, as a user sees them: exit statuses, messages and advice,
// and what goes on all the same.

import assert from "node:assert/strict";
import { processGroupsMissing } from "../../support/process_groups.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { type Scene, scene } from "../scene.ts";

const needs = [processGroupsMissing()];

/** Counts for ever; for a moment between two numbers. */
const COUNT = "n=0; while echo $n; do n=$((n + 1)); sleep 0.02; done";
const SERVER = ["-c", "1", "--prefetch", "1", "--stream=lines", "--"];
const COUNTING = [...SERVER, "sh", "-c", COUNT];

/** A stream whose server is killed in its middle, when there is another. */
async function killed(place: Scene, flags: string[], other = COUNTING) {
  const first = await place.serve(COUNTING);
  const client = await place.startClient(["--stream", ...flags, ""]);
  await client.waitFor(/^10$|"seq":10,/);
  const second = await place.serve(other);
  first.kill("SIGKILL");
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
    },
  };
}

function upTo(last: number): string {
  return Array.from({ length: last }, (_, n) => `${n}\n`).join("");
}

rabbitMqTest("a server that is killed in mid-stream is 75", {
  needs,
}, async () => {
  await using scenery = await killed(await scene(), []);
  const { code, stdout, stderr } = await scenery.client.result();
  const items = stdout.split("\n").length - 1;
  assert.deepEqual([code, stdout], [75, upTo(items)]);
  assert.equal(
    stderr,
    `rabbit-rpc: the server was lost after ${items} items, and another began ` +
      "from the start. Use --restart skip if it repeats the same items.\n",
  );
});

rabbitMqTest("with --restart skip a killed server does no harm", {
  needs,
}, async () => {
  await using scenery = await killed(await scene(), ["--restart", "skip"]);
  const { client } = scenery;
  // It goes on for longer than a dead server's last items can explain.
  await client.waitFor(/^200$/);
  client.kill("SIGINT");
  const { code, stdout } = await client.result();
  assert.deepEqual([code, stdout], [130, upTo(stdout.split("\n").length - 1)]);
});

rabbitMqTest("another server that gives something else is never mixed in", {
  needs,
}, async () => {
  const others = [...SERVER, "yes"];
  const flags = ["--restart", "skip", "--json"];
  await using scenery = await killed(await scene(), flags, others);
  const { code, stdout, stderr } = await scenery.client.result();
  assert.equal(code, 75);
  assert.doesNotMatch(stdout, /"y/);
  const { error } = JSON.parse(stdout.trim().split("\n").at(-1)!);
  assert.equal(error.code, "aborted");
  assert.match(stderr, /gave others when it was run again\.\n$/);
});

rabbitMqTest("the advice about a time limit names the flag of that limit", {
  needs,
}, async () => {
  const place = await scene();
  const command = "echo 1; sleep 0.9; echo 2; exec sleep 1000";
  const flags = ["-c", "4", "--stream=lines", "--", "sh", "-c", command];
  await using _server = await place.serve(flags);
  const advised = async (...flags: string[]) => {
    const { code, stdout, stderr } = await place.client(["--stream", ...flags]);
    assert.deepEqual([code, stdout], [124, "1\n2\n"], stderr);
    return stderr.match(/\. Use (.*), or look/)?.[1];
  };
  const [idle, whole] = await Promise.all([
    advised("--idle-timeout", "2s", ""),
    advised("-t", "2s", ""),
  ]);
  assert.deepEqual([idle, whole], ["--idle-timeout 8s", "-t 8s"]);
});

rabbitMqTest("a stream that has begun does not wait for a server", {
  needs,
}, async () => {
  const place = await scene();
  const command = "echo 1; sleep 2.5; echo 2";
  const flags = ["--count", "1", "--stream=lines", "--", "sh", "-c", command];
  await using _server = await place.serve(flags);
  const { code, stdout, stderr } = await place.client(["--stream", ""]);
  assert.deepEqual([code, stdout, stderr], [0, "1\n2\n", ""]);
});

rabbitMqTest("settings for streams leave other calls alone", {
  needs,
}, async () => {
  const place = await scene();
  await using _server = await place.serve(["--", "cat"]);
  const env = {
    RABBIT_RPC_IDLE_TIMEOUT: "5s",
    RABBIT_RPC_RESTART: "skip",
    RABBIT_RPC_RETRIES: "3",
    RABBIT_RPC_PROGRESS: "1",
  };
  assert.equal((await place.client(["hello"], { env })).stdout, "hello");
  const streamed = await place.client(["--stream", "hello"], { env });
  assert.equal(streamed.stdout, "hello");
  const batch = await place.client(["-l"], { env, stdin: "1\n2\n" });
  assert.equal(batch.stdout, "1\n2\n");
});
