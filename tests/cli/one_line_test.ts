// What callers choose is shown without letting it write lines of its own.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { fakeServer } from "./fake_server.ts";
import { awaiting, rawChannel, scene } from "./scene.ts";

rabbitMqTest("names that a caller chose stay in their line", async () => {
  const { url, queue, serve } = await scene();
  await using server = await serve(["--builtin", "echo", "--verbose"]);
  await using raw = await rawChannel(url);
  const evil = "a\r\n [x] fake\u001b[2J";
  const send = (replyTo?: string) =>
    raw.channel.sendToQueue(queue, Buffer.from("xyz"), {
      type: evil,
      correlationId: evil,
      replyTo,
    });
  send();
  await server.waitFor("3 bytes");
  send(evil);
  await server.waitFor("dropped: its reply_to", "stderr");
  assert.equal(
    server.stdout(),
    `${awaiting(queue)}\n [.] a  [x] fake [2J a  [x] fake [2J 3 bytes\n`,
  );
  assert.match(
    server.stderr(),
    /^rabbit-rpc: connected to .*\nrabbit-rpc: request dropped: .*\n$/,
  );
});

/** A colour, an 8-bit control, text from right to left, a line end. */
const EVIL = "a\x1b[31m\x9b2J\u202e\u2028b";
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

rabbitMqTest("an error of a server is shown as text alone", async () => {
  const { url, queue, client } = await scene();
  await using _server = await fakeServer(url, queue, (request, server) => {
    const { replyTo, correlationId } = request.properties;
    const problem = { code: "internal", detail: EVIL, [EVIL]: EVIL };
    const body = Buffer.from(JSON.stringify(problem));
    server.channel.sendToQueue(replyTo, body, {
      correlationId,
      type: "error",
      contentType: "application/problem+json",
    });
  });
  const plain = await client(["x"]);
  assert.equal(
    plain.stderr,
    "rabbit-rpc: procedure failed: internal: " +
      "a [31m 2J\\u202e\\u2028b.\n",
  );
  for (const args of [["x", "--json"], ["x", "--log-format", "json"]]) {
    const { stdout, stderr } = await client(args);
    for (const line of `${stdout}${stderr}`.trim().split("\n")) {
      assert.doesNotMatch(line, UNSEEN);
      JSON.parse(line.replace(/^rabbit-rpc: .*/, "{}"));
    }
  }
  const json = await client(["x", "--json"]);
  assert.equal(JSON.parse(json.stdout).error.detail, EVIL);
});

rabbitMqTest(
  "what a command writes to stderr is shown as text alone",
  async () => {
    const { client, serve } = await scene();
    const script = `printf '${EVIL}\\n' >&2`;
    await using server = await serve(["--", "sh", "-c", script]);
    assert.equal((await client(["x"])).code, 0);
    await server.waitFor("sh: a", "stderr");
    const shown = "rabbit-rpc: sh: a [31m 2J\\u202e\\u2028b\n";
    assert.equal(server.stderr(), shown);
  },
);

rabbitMqTest("a reply is written as it came", async () => {
  const { serve, client } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  assert.equal((await client([EVIL])).stdout, EVIL);
});

rabbitMqTest("a long argument is cut in what is shown of it", async () => {
  const { url, queue, serve } = await scene();
  await using server = await serve(["--builtin", "fib"]);
  await using raw = await rawChannel(url);
  raw.channel.sendToQueue(queue, Buffer.from("x".repeat(100_000)));
  await server.waitFor(" [.] fib(xxx");
  assert.ok(server.stdout().length < 1000);
});
