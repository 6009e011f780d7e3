// A client that is told to stop.

import assert from "node:assert/strict";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { fakeServer } from "./fake_server.ts";
import { numberLines, scene, temporaryFile } from "./scene.ts";

for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  rabbitMqTest(`${signal} cancels a call: ${status}`, async () => {
    const { url, queue, startClient } = await scene();
    await using server = await fakeServer(url, queue);
    await using client = await startClient(["1"]);
    await server.received(1);
    client.kill(signal);
    const { code, stdout, stderr } = await client.result(10_000);
    assert.match(stderr, /^rabbit-rpc: [^\n]*canceled[^\n]*\n$/);
    assert.deepEqual([code, stdout], [status, ""]);
  });

  rabbitMqTest(
    `${signal} lets a batch end what is in flight: ${status}`,
    async () => {
      const { url, queue, startClient } = await scene();
      let stopping = false;
      await using server = await fakeServer(url, queue, (request, server) => {
        if (stopping) server.answer(request, request.content);
      });
      const stdin = numberLines(1, 1000);
      await using client = await startClient(["-l", "-c", "3"], { stdin });
      await server.received(3);
      client.kill(signal);
      await client.waitFor("stopping after line", "stderr");
      stopping = true;
      for (const held of [...server.requests]) {
        server.answer(held, held.content);
      }
      const { code, stdout, stderr } = await client.result(10_000);
      assert.equal(
        stderr,
        "rabbit-rpc: stopping after line 3 of stdin; waiting for 3 requests " +
          "in flight; a second signal cancels them\n",
      );
      assert.deepEqual([code, server.requests.length], [status, 3]);
      assert.equal(stdout, numberLines(1, 3));
    },
  );
}

rabbitMqTest("SIGINT ends a batch whose stdin is still open", async () => {
  const { url, queue, startClient } = await scene();
  await using server = await fakeServer(url, queue);
  await using client = await startClient(["-l"], {
    stdin: "one\n",
    keepStdinOpen: true,
  });
  await server.received(1);
  client.kill("SIGINT");
  await client.waitFor("waiting for 1 request in flight", "stderr");
  server.answer(server.requests[0]!, "done");
  const { code, stdout } = await client.result(10_000);
  assert.deepEqual([code, stdout], [130, "done\n"]);
});

rabbitMqTest("a second SIGINT cancels what is in flight", async () => {
  const { url, queue, startClient } = await scene();
  await using server = await fakeServer(url, queue);
  await using client = await startClient(["-l"], {
    stdin: "one\ntwo\n",
    keepStdinOpen: true,
  });
  await server.received(2);
  client.kill("SIGINT");
  await client.waitFor("waiting for 2 requests in flight", "stderr");
  client.kill("SIGINT");
  const { code, stdout } = await client.result(10_000);
  assert.deepEqual([code, stdout], [130, "\n\n"]);
});

rabbitMqTest("SIGINT between requests, and a slow --rate, end it", async () => {
  const { startClient, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const [idle, slow] = [[], ["--rate", "0.001"]];
  for (
    const [flags, sent] of [[idle, "one\ntwo\n"], [slow, "one\n"]] as const
  ) {
    await using client = await startClient(["-l", ...flags], {
      stdin: "one\ntwo\n",
      keepStdinOpen: true,
    });
    await client.waitFor(sent.trim().split("\n").at(-1)!);
    client.kill("SIGINT");
    const { code, stdout, stderr } = await client.result(10_000);
    assert.deepEqual([code, stdout], [130, sent]);
    assert.match(
      stderr,
      /^rabbit-rpc: stopping after line [12] of stdin; nothing is in flight\n$/,
    );
  }
});

rabbitMqTest(
  "a canceled batch leaves what was in flight to --failed",
  async () => {
    const { url, queue, startClient } = await scene();
    await using server = await fakeServer(url, queue);
    await using failed = await temporaryFile("");
    await using client = await startClient(["-l", "--failed", failed.path], {
      stdin: "one\ntwo\n",
      keepStdinOpen: true,
    });
    await server.received(2);
    server.answer(server.requests[0]!, "done");
    await client.waitFor("done");
    client.kill("SIGINT");
    await client.waitFor("stopping after line 2", "stderr");
    client.kill("SIGINT");
    assert.equal((await client.result(10_000)).code, 130);
    assert.equal(await Deno.readTextFile(failed.path), "two\n");
  },
);
