// A server's life: it waits for its broker, counts, drains, and stops.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { startProxy } from "../../support/proxy.ts";
import { startProcess } from "../../support/process.ts";
import { commandLine, start } from "../../support/program.ts";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";
import { waitUntil } from "../../support/wait.ts";
import { awaiting, numberLines, rawChannel, scene } from "../scene.ts";

rabbitMqTest("a server waits for its broker, and says so", async () => {
  const { port, url } = await sharedRabbitMq();
  await using proxy = await startProxy(port);
  await proxy.refuse(true);
  const { queue, client } = await scene({ url: proxy.url(url) });
  const args = ["-u", proxy.url(url), queue, "--builtin", "fib"];
  await using server = await start(["server", ...args]);
  const said = await server.waitFor("trying again in", "stderr");
  const at = `127.0.0.1:${proxy.port}`;
  const start_ = `rabbit-rpc: cannot reach a broker at ${at} ` +
    "(connection refused); trying again in ";
  assert.equal(said.slice(0, start_.length), start_);
  assert.equal(server.stdout(), "");
  await proxy.refuse(false);
  await server.waitFor(awaiting(queue));
  assert.equal((await client(["10"])).stdout, "55");
});

rabbitMqTest("a server that waits for its broker stops at once", async () => {
  const { port, url } = await sharedRabbitMq();
  await using proxy = await startProxy(port);
  await proxy.refuse(true);
  const args = ["-u", proxy.url(url), "q", "--builtin", "fib"];
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using server = await start(["server", ...args]);
    await server.waitFor("trying again in", "stderr");
    server.kill(signal);
    const { code, stderr } = await server.result();
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /a bug/);
  }
});

rabbitMqTest(
  "a server consumes again after its connection was cut",
  async () => {
    const { port, url } = await sharedRabbitMq();
    await using proxy = await startProxy(port);
    const { queue, client, serve } = await scene({ url: proxy.url(url) });
    await using server = await serve(["--builtin", "fib"]);
    proxy.cut();
    await server.waitFor(/^rabbit-rpc: lost the connection to /, "stderr");
    await server.waitFor(awaiting(queue), "stdout", { occurrence: 2 });
    assert.equal((await client(["10"])).stdout, "55");
  },
);

rabbitMqTest("--count stops after so many, and leaves the rest", async () => {
  const { url, queue, serve } = await scene();
  await using raw = await rawChannel(url);
  await raw.channel.assertQueue(queue);
  for (let n = 1; n <= 5; n++) {
    raw.channel.sendToQueue(queue, Buffer.from(`${n}`));
  }
  await using server = await serve(["--builtin", "fib", "-n", "3"]);
  const { code, stdout, stderr } = await server.result();
  const expected = [1, 2, 3].map((n) => ` [.] fib(${n})\n`).join("");
  assert.equal(stdout, `${awaiting(queue)}\n${expected}`);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal((await raw.channel.checkQueue(queue)).messageCount, 2);
});

rabbitMqTest("a slow reader gets the last lines all the same", async () => {
  const { url, queue, client } = await scene();
  await using raw = await rawChannel(url);
  const args = ["server", "-u", url, queue, "--builtin", "echo"];
  const server = await commandLine(args);
  // It reads the first line, and the others when it is told to.
  const script = `exec 3<&0; sh -c 'echo $$ >&2; exec "$@"' \
    sh "$@" | { read line; echo "$line"; read go <&3; cat; }`;
  await using pipeline = startProcess("sh", ["-c", script, "sh", ...server], {
    keepStdinOpen: true,
  });
  await pipeline.waitFor("Awaiting");
  // Their lines are more than a pipe holds.
  const count = 5_000;
  const stdin = numberLines(1, count);
  assert.equal((await client(["-l", "-c", "256"], { stdin })).code, 0);
  const [pid] = pipeline.stderr().split("\n");
  Deno.kill(Number(pid), "SIGTERM");
  await waitUntil("the server to have left", async () => {
    return (await raw.channel.checkQueue(queue)).consumerCount === 0;
  }, 10_000);
  await pipeline.write("go\n");
  const { stdout } = await pipeline.result();
  assert.equal(stdout.match(/^ \[\.\] /gm)!.length, count);
});

rabbitMqTest("--count answers the last request before it ends", async () => {
  const { client, serve } = await scene();
  await using server = await serve(["--builtin", "fib", "-n", "40"]);
  const stdin = "20\n".repeat(40);
  const { code, stdout, stderr } = await client(["-l"], { stdin });
  assert.deepEqual([code, stdout, stderr], [0, "6765\n".repeat(40), ""]);
  assert.equal((await server.result()).code, 0);
});

rabbitMqTest("SIGTERM under load drains: no call fails", async () => {
  const { startClient, serve } = await scene();
  const args = ["--builtin", "echo", "--prefetch", "32", "--concurrency", "8"];
  await using first = await serve(args);
  await using second = await serve(args);
  const stdin = numberLines(1, 4_000);
  await using client = await startClient(["-l", "-c", "128"], { stdin });
  await first.waitFor(/^ \[\.\] /, "stdout", { occurrence: 100 });
  first.kill("SIGTERM");
  const stopped = await first.result();
  assert.equal(stopped.code, 0);
  assert.match(
    stopped.stderr,
    /^rabbit-rpc: stopping; \d+ requests? in flight\n$/,
  );
  const { code, stdout, stderr } = await client.result();
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(stdout === stdin, `${stdout.length} bytes of ${stdin.length}`);
  // It was stopped before the work was done.
  const answeredByFirst = stopped.stdout.match(/^ \[\.\] /gm)!.length;
  assert.ok(answeredByFirst < 4_000, String(answeredByFirst));
  second.kill("SIGINT");
  assert.equal((await second.result()).code, 0);
});

rabbitMqTest(
  "SIGTERM lets a running request end, and gives back the rest",
  async () => {
    const { url, queue, startClient, serve } = await scene();
    await using raw = await rawChannel(url);
    const args = [
      "--builtin",
      "sleep",
      "--concurrency",
      "1",
      "--prefetch",
      "5",
    ];
    await using server = await serve(args);
    await using client = await startClient(["1000"]);
    await server.waitFor(" [.] ");
    for (let n = 0; n < 3; n++) {
      raw.channel.sendToQueue(
        queue,
        Buffer.from("60000"),
      );
    }
    await waitUntil("the server to hold them", async () => {
      return (await raw.channel.checkQueue(queue)).messageCount === 0;
    }, 10_000);
    server.kill("SIGTERM");
    const [stopped, answered] = await Promise.all([
      server.result(),
      client.result(),
    ]);
    assert.equal(stopped.code, 0);
    assert.deepEqual([answered.code, answered.stdout], [0, "1000"]);
    assert.equal((await raw.channel.checkQueue(queue)).messageCount, 3);
  },
);

for (const quick of [true, false]) {
  const when = quick ? "right after the first" : "while it drains";
  rabbitMqTest(
    `a second signal ${when} stops at once, and loses nothing`,
    async () => {
      const { url, queue, startClient, serve } = await scene();
      await using raw = await rawChannel(url);
      await using server = await serve(["--builtin", "sleep"]);
      await using _client = await startClient(["-t", "2m", "60000"]);
      await server.waitFor(" [.] ");
      server.kill("SIGTERM");
      await server.waitFor(/stopping; 1 requests? in flight/, "stderr");
      if (!quick) {
        await waitUntil("the consumer to be canceled", async () => {
          return (await raw.channel.checkQueue(queue)).consumerCount === 0;
        }, 10_000);
      }
      server.kill("SIGTERM");
      const { stderr } = await server.result(10_000);
      assert.doesNotMatch(stderr, /a bug/);
      await waitUntil("the request to be back", async () => {
        return (await raw.channel.checkQueue(queue)).messageCount === 1;
      }, 10_000);
    },
  );
}

rabbitMqTest("--grace ends what does not end by itself", async () => {
  const { startClient, serve } = await scene();
  await using server = await serve(["--builtin", "sleep", "--grace", "300ms"]);
  await using _client = await startClient(["-t", "2m", "60000"]);
  await server.waitFor(" [.] ");
  server.kill("SIGTERM");
  assert.equal((await server.result(10_000)).code, 0);
});
