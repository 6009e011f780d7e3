// Calls that fail: the exit status and the one line on stderr.

import { test } from "../support/needs.ts";
import assert from "node:assert/strict";
import { freePort } from "../support/ports.ts";
import { startProxy } from "../support/proxy.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import { fakeServer } from "./fake_server.ts";
import { awaiting, onceReady, rawChannel, scene } from "./scene.ts";
import { start } from "../support/program.ts";

rabbitMqTest("no queue is 69, in well under a second", async () => {
  const { queue, client } = await scene();
  const { code, stdout, stderr } = await client(["1"]);
  assert.equal(
    stderr,
    `rabbit-rpc: no queue "${queue}" on vhost "/" (312 NO_ROUTE). Start a ` +
      `server with "rabbit-rpc server ${queue} ...", or use --wait.\n`,
  );
  assert.deepEqual([code, stdout], [69, ""]);
  // A busy machine may hold up one call, but hardly each of five.
  let latencyMs = Infinity;
  for (let n = 0; n < 5 && latencyMs >= 1000; n++) {
    latencyMs = JSON.parse((await client(["--json", "1"])).stdout).latency_ms;
  }
  assert.ok(latencyMs < 1000, `${latencyMs} ms`);
});

rabbitMqTest("a queue without consumers is waited for, then 69", async () => {
  const { url, queue, client } = await scene();
  await using raw = await rawChannel(url);
  await raw.channel.assertQueue(queue);
  const { code, stdout, stderr } = await client(["-t", "2500ms", "1"]);
  const lines = stderr.split("\n");
  const [finally_, end] = lines.splice(-2);
  const [meanwhile, ...changed] = lines;
  assert.equal(
    meanwhile,
    `rabbit-rpc: queue "${queue}" exists but no server is consuming it ` +
      "(1 request waiting); waiting for one",
  );
  // The broker drops the request at its deadline, just before or after we look.
  const dropped = meanwhile!.replace("1 request ", "0 requests ");
  assert.ok(changed.every((line) => line === dropped), stderr);
  assert.ok(changed.length <= 1, stderr);
  assert.match(
    finally_!.replace(queue, "Q"),
    /^rabbit-rpc: queue "Q" exists but no server is consuming it \((0 requests|1 request) waiting\)\. Start a server, or use --wait\.$/,
  );
  assert.deepEqual([code, stdout, end], [69, "", ""]);
});

rabbitMqTest("--quiet does not say what it waits for", async () => {
  const { url, queue, client } = await scene();
  await using raw = await rawChannel(url);
  await raw.channel.assertQueue(queue);
  const { code, stderr } = await client(["-q", "-t", "1200ms", "1"]);
  assert.match(stderr, /^rabbit-rpc: queue [^\n;]*\n$/);
  assert.equal(code, 69);
});

rabbitMqTest(
  "--no-wait fails at once without a consumer or a queue",
  async () => {
    const { url, queue, client } = await scene();
    const missing = await client(["--no-wait", "1"]);
    assert.match(missing.stderr, /^rabbit-rpc: no queue "[^"]*" on vhost "\/"/);
    await using raw = await rawChannel(url);
    await raw.channel.assertQueue(queue);
    const env = { RABBIT_RPC_NO_WAIT: "1" };
    for (const idle of [client(["--no-wait", "1"]), client(["1"], { env })]) {
      const { code, stdout, stderr } = await idle;
      assert.equal(
        stderr,
        `rabbit-rpc: queue "${queue}" exists but no server is consuming it ` +
          "(0 requests waiting). Start a server, or use --wait.\n",
      );
      assert.deepEqual([code, stdout, missing.code], [69, "", 69]);
    }
    // None was sent.
    assert.equal((await raw.channel.checkQueue(queue)).messageCount, 0);
  },
);

rabbitMqTest("--wait is there when the queue appears", async () => {
  const { startClient, serve } = await scene();
  await using client = await startClient(["--wait", "--json", "-v", "10"]);
  await client.waitFor("connected to", "stderr");
  await using _server = await serve(["--builtin", "fib"]);
  const { code, stdout } = await client.result();
  assert.equal(JSON.parse(stdout).body, "55");
  assert.equal(code, 0);
});

rabbitMqTest("--wait is there when the broker appears", async () => {
  const { port, url } = await sharedRabbitMq();
  await using proxy = await startProxy(port);
  const { startClient, queue } = await scene({ url: proxy.url(url) });
  const args = ["server", "-u", url, queue, "--builtin", "fib"];
  await using _server = await onceReady(await start(args), awaiting(queue));
  proxy.stall("both");
  await using client = await startClient(["--wait", "--json", "10"]);
  await waitUntil("a first try", () => proxy.connections === 1, 20_000);
  proxy.cut();
  proxy.resume();
  const { code, stdout } = await client.result();
  const { body, attempts } = JSON.parse(stdout);
  assert.equal(body, "55");
  assert.ok(attempts >= 2, stdout);
  assert.equal(code, 0);
});

rabbitMqTest("--wait does not wait longer than the time-out", async () => {
  const { queue, client } = await scene();
  const { code, stderr } = await client(["--wait", "-t", "1s", "1"]);
  assert.ok(stderr.startsWith(`rabbit-rpc: no queue "${queue}"`), stderr);
  assert.equal(code, 69);
});

rabbitMqTest("no reply in time is 124", async () => {
  const { url, queue, client } = await scene();
  await using _server = await fakeServer(url, queue);
  const { code, stdout, stderr } = await client(["-t", "1500ms", "1"]);
  const start = `rabbit-rpc: no reply from "${queue}" within 1.5s; ` +
    "the request may still have run. Use -t 6s, or look ";
  assert.equal(stderr.slice(0, start.length), start);
  assert.match(stderr, /^[^\n]+\.\n$/);
  assert.deepEqual([code, stdout], [124, ""]);
});

rabbitMqTest(
  "a deadline that the server noticed first is 124 too",
  async () => {
    const { client, serve } = await scene();
    const limit = ["--handler-timeout", "200ms"];
    await using server = await serve(["--builtin", "sleep", ...limit]);
    const { code, stdout, stderr } = await client(["60000"]);
    assert.equal(
      stderr,
      "rabbit-rpc: procedure failed: deadline_exceeded: the procedure ran " +
        "longer than the server's limit of 200ms.\n",
    );
    assert.deepEqual([code, stdout], [124, ""]);
    const caller = await client(["-t", "150ms", "60000"]);
    assert.equal(caller.code, 124, caller.stderr);
    assert.equal(server.stderr(), "");
  },
);

rabbitMqTest("a computation past the limit ends, and others run", async () => {
  const { client, serve } = await scene();
  const limit = ["--handler-timeout", "500ms", "--workers", "1"];
  await using _server = await serve(["--builtin", "fib", ...limit]);
  const { code, stderr } = await client(["78"]);
  assert.match(stderr, /: deadline_exceeded: the procedure ran longer than/);
  assert.equal(code, 124);
  const next = await client(["10"]);
  assert.deepEqual([next.code, next.stdout], [0, "55"]);
});

rabbitMqTest("a connection lost in mid-call is 75", async () => {
  const { port, url } = await sharedRabbitMq();
  await using proxy = await startProxy(port);
  const { startClient, queue } = await scene({ url: proxy.url(url) });
  await using server = await fakeServer(url, queue);
  await using client = await startClient(["1"]);
  await server.received(1);
  proxy.cut();
  const { code, stdout, stderr } = await client.result();
  assert.equal(
    stderr.split("\n").at(-2),
    "rabbit-rpc: the connection to the broker was lost before the reply " +
      "came; the request may have run. Check the broker's log, then try again.",
  );
  assert.deepEqual([code, stdout], [75, ""]);
});

rabbitMqTest("a request that can't be written is 65", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const { code, stderr } = await client(["--type", "t".repeat(256), "1"]);
  assert.match(stderr, /^rabbit-rpc: the message can't be sent: [^\n]*\.\n$/);
  assert.equal(code, 65);
});

test("no broker is 75, and says where none was", async () => {
  const port = freePort();
  const { client } = await scene({ url: `amqp://127.0.0.1:${port}` });
  const { code, stdout, stderr } = await client(["1"]);
  const start = `rabbit-rpc: cannot reach a broker at 127.0.0.1:${port} ` +
    "(connection refused). Is one running? ";
  assert.equal(stderr.slice(0, start.length), start);
  assert.match(stderr, /set --url\.\n$/i);
  assert.deepEqual([code, stdout], [75, ""]);
});
