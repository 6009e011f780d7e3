// Streams of which one side is stopped, or killed, without a word.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import {
  groupEnd,
  processGroupsMissing,
} from "../../support/process_groups.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { waitUntil } from "../../support/wait.ts";
import { scene, temporaryFile } from "../scene.ts";

const needs = [processGroupsMissing()];
/** Within so long each side notices that the other is gone. */
const NOTICED_MS = 15_000;
const STREAMING = ["--stream=lines", "--", "sh", "-c"];

rabbitMqTest("a caller that was stopped goes on without a gap", {
  needs,
}, async () => {
  const place = await scene();
  await using made = await temporaryFile("");
  const command =
    `n=0; while [ $n -lt 20000 ]; do echo $n; printf x >>'${made.path}'; ` +
    "n=$((n + 1)); done";
  await using _server = await place.serve([...STREAMING, command]);
  await using client = await place.startClient(["--stream", ""]);
  await client.waitFor(/^10$/);
  client.kill("SIGSTOP");
  let before = -1;
  await waitUntil(
    "the command to wait",
    async () => {
      const { size } = await Deno.stat(made.path);
      const isStill = size === before;
      before = size;
      if (!isStill) await delay(1_000);
      return isStill;
    },
    30_000,
  );
  assert.ok(before < 20_000, "the command does not wait for its caller");
  client.kill("SIGCONT");
  const { code, stdout } = await client.result();
  const all = Array.from({ length: 20_000 }, (_, n) => `${n}\n`).join("");
  assert.deepEqual([code, stdout], [0, all]);
});

rabbitMqTest("a caller that is killed ends its command", {
  needs,
}, async () => {
  const place = await scene();
  const command = "echo $$; exec sleep 1000";
  await using _server = await place.serve([...STREAMING, command]);
  await using client = await place.startClient(["--stream", ""]);
  const pgid = Number(await client.waitFor(/^\d+$/));
  const startMs = performance.now();
  client.kill("SIGKILL");
  await groupEnd(pgid);
  const endedMs = performance.now() - startMs;
  assert.ok(endedMs < NOTICED_MS, `${endedMs} ms`);
});

rabbitMqTest("a server that is stopped is noticed, long before the deadline", {
  needs,
  slow: true,
}, async () => {
  const place = await scene();
  const command = "while echo tick; do sleep 0.1; done";
  await using server = await place.serve([...STREAMING, command]);
  await using client = await place.startClient([
    "--stream",
    "--idle-timeout",
    "5m",
    "",
  ]);
  await client.waitFor("tick");
  server.kill("SIGSTOP");
  const startMs = performance.now();
  const { code, stderr } = await client.result();
  const noticedMs = performance.now() - startMs;
  server.kill("SIGCONT");
  assert.equal(code, 75);
  assert.match(stderr, /has been silent for 14s, after \d+ items?: it is gone/);
  assert.ok(noticedMs < NOTICED_MS + 1_000, `${noticedMs} ms`);
});
