// Many requests from stdin: in flight together, answered in order.

import assert from "node:assert/strict";
import type { ConsumeMessage } from "amqplib";
import { rabbitMqTest } from "../../../support/rabbitmq.ts";
import { fakeServer } from "../../fake_server.ts";
import { fibonacci, numberLines, scene } from "../../scene.ts";

rabbitMqTest("500 lines, 100 in flight, are answered in order", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "fib"]);
  const numbers = Array.from({ length: 500 }, (_, i) => (i * 7) % 25);
  const { code, stdout, stderr } = await client(
    ["-l", "-c", "100"],
    { stdin: numbers.join("\n") },
  );
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(stdout, numbers.map((n) => `${fibonacci(n)}\n`).join(""));
});

rabbitMqTest("5,000 lines, 256 in flight", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const stdin = numberLines(1, 5000);
  const { code, stdout, stderr } = await client(["-l", "-c", "256"], { stdin });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(stdout === stdin, `${stdout.length} bytes of ${stdin.length}`);
});

rabbitMqTest("a slow first line does not stop the others", async () => {
  const { url, queue, client } = await scene();
  await using _server = await fakeServer(url, queue, (request, server) => {
    // The first is answered when the last has come.
    if (request.content.toString() === "1") return;
    server.answer(request, request.content);
    if (server.requests.length === 12) {
      server.answer(server.requests[0]!, "slow");
    }
  });
  const stdin = numberLines(1, 12);
  const { code, stdout } = await client(["-l", "-c", "2"], { stdin });
  assert.equal(stdout, stdin.replace(/^1\n/, "slow\n"));
  assert.equal(code, 0);
});

rabbitMqTest("no more than -c requests are in flight", async () => {
  const { url, queue, client } = await scene();
  let most = 0;
  let held: ConsumeMessage[] = [];
  await using _server = await fakeServer(
    url,
    queue,
    async (request, server) => {
      held.push(request);
      if (held.length !== 3) return;
      // Whatever came with the third is here after a round trip.
      await server.channel.checkQueue(queue);
      most = Math.max(most, held.length);
      const answered = held;
      held = [];
      for (const each of answered) server.answer(each, each.content);
    },
  );
  const stdin = numberLines(1, 30);
  const { code, stdout } = await client(["-l", "-c", "3"], { stdin });
  assert.deepEqual([code, stdout, most], [0, stdin, 3]);
});

rabbitMqTest("answers come while stdin is still open", async () => {
  const { startClient, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  await using client = await startClient(["-l"], { keepStdinOpen: true });
  for (const line of ["one", "two"]) {
    await client.write(`${line}\n`);
    await client.waitFor(line);
  }
  await client.write("three");
  await client.closeStdin();
  const { code, stdout } = await client.result();
  assert.deepEqual([code, stdout], [0, "one\ntwo\nthree\n"]);
});

rabbitMqTest("a failed line leaves an empty line, and makes it 3", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "fib"]);
  const stdin = "5\nabc\n\n6\r\n7";
  const { code, stdout, stderr } = await client(["-l"], { stdin });
  assert.equal(stdout, "5\n\n\n8\n13\n");
  const failed = "procedure failed: invalid_argument: " +
    "fib wants a whole number from 0 to 78, got";
  assert.equal(
    stderr,
    `rabbit-rpc: line 2 of stdin: ${failed} "abc".\n` +
      `rabbit-rpc: line 3 of stdin: ${failed} "".\n`,
  );
  assert.equal(code, 3);
});

rabbitMqTest("a batch that fails all alike has that status", async () => {
  const { client, serve } = await scene();
  const noQueue = await client(["-l"], { stdin: "1\n2\n" });
  assert.deepEqual([noQueue.code, noQueue.stdout], [69, "\n\n"]);
  await using _server = await serve(
    ["--builtin", "sleep", "--handler-timeout", "200ms"],
  );
  const procedure = await client(["-l"], { stdin: "a\nb\n" });
  assert.deepEqual([procedure.code, procedure.stdout], [1, "\n\n"]);
  const timedOut = await client(["-l"], { stdin: "9999\n9999\n" });
  assert.deepEqual([timedOut.code, timedOut.stdout], [124, "\n\n"]);
  const notAlike = await client(["-l"], { stdin: "a\n9999\n" });
  assert.deepEqual([notAlike.code, notAlike.stdout], [3, "\n\n"]);
});

rabbitMqTest("--quiet keeps failed lines to stdout and status", async () => {
  const { client } = await scene();
  const { code, stdout, stderr } = await client(["-lq"], { stdin: "1\n" });
  assert.deepEqual([code, stdout, stderr], [69, "\n", ""]);
});

rabbitMqTest("no lines at all are no failure", async () => {
  const { client } = await scene();
  const { code, stdout, stderr } = await client(["-l"], { stdin: "" });
  assert.deepEqual([code, stdout, stderr], [0, "", ""]);
});

rabbitMqTest("no line on stderr is not ours, however late it is", async () => {
  const { client } = await scene();
  // Its last pauses begin when the time is nearly up, or is.
  const { code, stderr } = await client(
    ["-l", "-c", "50", "--wait", "-t", "300ms", "--log-format", "json"],
    { stdin: numberLines(1, 50) },
  );
  assert.equal(code, 69);
  const said = stderr.trimEnd().split("\n");
  assert.ok(said.length >= 50);
  for (const line of said) assert.equal(typeof JSON.parse(line), "object");
});
