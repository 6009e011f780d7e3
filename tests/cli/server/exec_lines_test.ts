// A command served as one process that reads and writes lines.

import assert from "node:assert/strict";
import { PYTHON, pythonMissing } from "../../support/peers.ts";
import {
  groupEnd,
  processGroupsMissing,
} from "../../support/process_groups.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { numberLines, scene } from "../scene.ts";

const options = { needs: [processGroupsMissing(), pythonMissing()] };
const CHILD = [
  "--exec-lines",
  "--",
  PYTHON,
  `${import.meta.dirname}/../../peers/line_child.py`,
];

rabbitMqTest("one Python process answers a batch", options, async () => {
  const { client, serve } = await scene();
  await using server = await serve(["-c", "64", ...CHILD]);
  const pid = (await client(["pid"])).stdout;
  const stdin = numberLines(1, 2_000);
  const { code, stdout } = await client(["-l", "-c", "256"], { stdin });
  assert.deepEqual([code, stdout], [0, stdin]);
  assert.equal((await client(["pid"])).stdout, pid);
  await server.waitFor(/^ \[\.\] [-\w]{12,15} 3 bytes$/);
});

rabbitMqTest("bytes that are no text go both ways", options, async () => {
  const { client, serve } = await scene();
  await using _server = await serve(CHILD);
  const stdin = Uint8Array.of(0, 255, 10, 13, 200);
  const { code, stdoutBytes } = await client([], { stdin });
  assert.deepEqual([code, ...stdoutBytes], [0, ...stdin]);
});

rabbitMqTest("an error of the child is that of the call", options, async () => {
  const { client, serve } = await scene();
  await using _server = await serve(CHILD);
  const error = '{"code": "not_found", "detail": "no such model"}';
  const { code, stderr } = await client([`error ${error}`]);
  const sentence = "rabbit-rpc: procedure failed: not_found: no such model.\n";
  assert.deepEqual([code, stderr], [1, sentence]);
});

rabbitMqTest(
  "a child that dies is replaced, and says why",
  options,
  async () => {
    const { client, serve } = await scene();
    await using server = await serve(CHILD);
    const first = (await client(["pid"])).stdout;
    const { code, stderr } = await client(["exit 3"]);
    assert.equal(
      stderr,
      `rabbit-rpc: procedure failed: aborted: "${PYTHON}" exited with status 3 ` +
        "before its answer was complete.\n",
    );
    assert.equal(code, 1);
    await server.waitFor("exited with status 3; starting it again", "stderr");
    const second = await client(["pid"]);
    assert.deepEqual([second.code, second.stderr], [0, ""]);
    assert.notEqual(second.stdout, first);
  },
);

rabbitMqTest(
  "a server that stops at once ends the child",
  options,
  async () => {
    const { client, startClient, serve } = await scene();
    await using server = await serve(["-c", "8", ...CHILD]);
    const pgid = Number((await client(["pid"])).stdout);
    await using held = await startClient(["hold"]);
    await server.waitFor(/ 4 bytes$/);
    server.kill("SIGTERM");
    await server.waitFor("stopping; 1 request in flight", "stderr");
    server.kill("SIGTERM");
    assert.equal((await server.result(10_000)).code, 0);
    await groupEnd(pgid);
    held.kill("SIGKILL");
  },
);

rabbitMqTest(
  "a drain waits for answers, and ends the child",
  options,
  async () => {
    const { startClient, serve } = await scene();
    const script = `read line; echo $$ >&2; sleep 1
    echo "$line" | sed 's/"type".*/"body":"done"}/'; cat`;
    await using server = await serve([
      "--exec-lines",
      "--",
      "sh",
      "-c",
      script,
    ]);
    await using client = await startClient(["x"]);
    const line = await server.waitFor(/^rabbit-rpc: sh: \d+$/, "stderr");
    server.kill("SIGTERM");
    const { code, stdout } = await client.result();
    assert.deepEqual([code, stdout], [0, "done"]);
    const stopped = await server.result(10_000);
    assert.equal(stopped.code, 0);
    // It ended by itself, when its stdin did.
    assert.doesNotMatch(stopped.stderr, /SIGTERM|again/);
    await groupEnd(Number(line.match(/\d+$/)![0]));
  },
);

rabbitMqTest("a command that can't speak is told of", options, async () => {
  const { client, serve } = await scene();
  await using server = await serve(["--exec-lines", "--", "false"]);
  await server.waitFor(
    /^rabbit-rpc: "false" exited with status 1 before it answered anything, 3 times in a row; starting it again in /,
    "stderr",
  );
  const { code, stderr } = await client(["x"]);
  assert.match(stderr, /aborted: "false" exited with status 1 before/);
  assert.equal(code, 1);
});
