// One request and its answer: what goes in, what comes out, on which stream.

import assert from "node:assert/strict";
import type { ConsumeMessage } from "amqplib";
import { Buffer } from "node:buffer";
import { start } from "../../support/program.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import {
  awaiting,
  fibonacci,
  rawChannel,
  scene,
  temporaryFile,
} from "../scene.ts";

rabbitMqTest("fib(30) as in the tutorial", async () => {
  const { queue, client, serve } = await scene();
  await using server = await serve(["--builtin", "fib"]);
  const { code, stdout, stderr } = await client(["30"]);
  // No newline: stdout is no terminal here.
  assert.deepEqual([code, stdout, stderr], [0, "832040", ""]);
  await server.waitFor(" [.] fib(30)");
  server.kill("SIGTERM");
  const result = await server.result();
  assert.equal(result.stdout, `${awaiting(queue)}\n [.] fib(30)\n`);
  assert.equal(result.code, 0);
});

rabbitMqTest("a quiet server prints nothing", async () => {
  const { startClient, queue, url } = await scene();
  // Called with --wait, since the server does not say when it is ready.
  await using client = await startClient(["--wait", "20"]);
  const args = [
    "server",
    "-u",
    url,
    queue,
    "--builtin",
    "fib",
    "-n",
    "1",
    "-q",
  ];
  await using server = await start(args);
  const answered = await client.result();
  assert.deepEqual([answered.code, answered.stdout], [
    0,
    String(fibonacci(20)),
  ]);
  const { code, stdout, stderr } = await server.result();
  assert.deepEqual([code, stdout, stderr], [0, "", ""]);
});

rabbitMqTest("echo answers the very bytes, also none at all", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const every = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (const stdin of [every, new Uint8Array(0)]) {
    const { code, stdoutBytes, stderr } = await client([], { stdin });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(stdoutBytes, stdin);
  }
});

rabbitMqTest("message and sleep answer as described", async () => {
  const talking = await scene();
  const sleeping = await scene();
  await using _message = await talking.serve(["--builtin", "message"]);
  await using _sleep = await sleeping.serve(["--builtin", "sleep"]);
  const message = await talking.client(["hi"]);
  assert.equal(message.stdout, "Got a message from the client: hi");
  const startedMs = performance.now();
  const sleep = await sleeping.client(["300"]);
  assert.equal(sleep.code, 0, sleep.stderr);
  assert.ok(performance.now() - startedMs >= 300);
  const refused = await sleeping.client(["soon"]);
  assert.equal(
    refused.stderr,
    "rabbit-rpc: procedure failed: invalid_argument: " +
      'sleep wants a whole number of ms, got "soon".\n',
  );
  assert.equal(refused.code, 1);
});

rabbitMqTest("fib tells what it wanted instead", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "fib"]);
  const wrong: [string[], string][] = [
    [["abc"], "abc"],
    [["--", "-1"], "-1"],
    [["79"], "79"],
    [["3.5"], "3.5"],
    [[""], ""],
    [["1e1"], "1e1"],
    [["0x10"], "0x10"],
    [["999999999999999999999"], "999999999999999999999"],
    [["a\nb"], "a\\nb"],
  ];
  for (const [args, got] of wrong) {
    const { code, stdout, stderr } = await client(args);
    assert.equal(
      stderr,
      "rabbit-rpc: procedure failed: invalid_argument: " +
        `fib wants a whole number from 0 to 78, got "${got}".\n`,
    );
    assert.deepEqual([code, stdout], [1, ""]);
  }
  for (const [n, expected] of [["0", 0], ["1", 1], [" 10\n", 55]] as const) {
    const { code, stdout } = await client([n]);
    assert.deepEqual([code, stdout], [0, String(expected)]);
  }
});

rabbitMqTest("the body comes from an argument, a file or stdin", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  await using file = await temporaryFile("from a file\n");
  const bodies: [string[], string | undefined, string][] = [
    [["an argument"], "stdin is not touched", "an argument"],
    [[`@${file.path}`], "stdin is not touched", "from a file\n"],
    [["@-"], "by the name of -\n", "by the name of -\n"],
    [[], "from stdin\n", "from stdin\n"],
    [[], undefined, ""],
  ];
  for (const [args, stdin, expected] of bodies) {
    const { code, stdout, stderr } = await client(args, { stdin });
    assert.deepEqual([code, stdout, stderr], [0, expected, ""]);
  }
});

rabbitMqTest("with an argument, an open stdin is not waited for", async () => {
  const { startClient, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  await using client = await startClient(["now"], { keepStdinOpen: true });
  const { code, stdout } = await client.result();
  assert.deepEqual([code, stdout], [0, "now"]);
});

rabbitMqTest("a file that can't be read is 66", async () => {
  const { client } = await scene();
  for (const path of ["/nowhere/at all", import.meta.dirname!]) {
    const { code, stdout, stderr } = await client([`@${path}`]);
    const start = `rabbit-rpc: cannot read "${path}": `;
    assert.equal(stderr.slice(0, start.length), start);
    // The path once: the reason is the system's own.
    assert.equal(stderr.split(path).length, 2, stderr);
    assert.deepEqual([code, stdout], [66, ""]);
  }
});

rabbitMqTest(
  "headers, type, content type and persistence reach a server",
  async () => {
    const { url, queue, client } = await scene();
    await using raw = await rawChannel(url);
    const { channel } = raw;
    await channel.assertQueue(queue, { exclusive: true });
    const requests: (ConsumeMessage | null)[] = [];
    await channel.consume(queue, (request) => {
      requests.push(request);
      const { replyTo, correlationId } = request!.properties;
      channel.sendToQueue(replyTo, Buffer.from("seen"), { correlationId });
    }, { noAck: true });
    const before = Date.now();
    const { code, stdout, stderr } = await client([
      ..."-H trace:on -H".split(" "),
      "at: 10:30, noon",
      ..."-H empty: --type resize --content-type image/png".split(" "),
      ..."--persistent -t 20s body".split(" "),
    ]);
    assert.deepEqual([code, stdout, stderr], [0, "seen", ""]);
    const { properties, content } = requests[0]!;
    const { headers, expiration } = properties;
    const { "rpc-deadline": deadline, ...rest } = headers!;
    assert.deepEqual(rest, { trace: "on", at: "10:30, noon", empty: "" });
    assert.ok(deadline >= before + 20_000 && deadline <= Date.now() + 20_000);
    assert.ok(Number(expiration) > 0 && Number(expiration) <= 20_000);
    assert.equal(properties.type, "resize");
    assert.equal(properties.contentType, "image/png");
    assert.equal(properties.deliveryMode, 2);
    assert.match(properties.replyTo, /^amq\.gen-/);
    assert.match(properties.correlationId, /^[\w-]{12,15}$/);
    assert.equal(content.toString(), "body");
    assert.equal(requests.length, 1);
  },
);
