// A client that is told to stop.

import assert from "node:assert/strict";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import { fakeServer } from "./fake_server.ts";
import { numberLines, scene } from "./scene.ts";

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
      stopping = true;
      for (const held of [...server.requests]) {
        server.answer(held, held.content);
      }
      const { code, stdout, stderr } = await client.result(10_000);
      assert.deepEqual([code, stderr], [status, ""]);
      // Some more may have been sent before the signal came, but not all.
      const sent = server.requests.length;
      assert.ok(sent < 500, `${sent} of 1000 were sent`);
      assert.equal(stdout, numberLines(1, sent));
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
  server.answer(server.requests[0]!, "done");
  const { code, stdout, stderr } = await client.result(10_000);
  assert.deepEqual([code, stdout, stderr], [130, "done\n", ""]);
});

rabbitMqTest("a second SIGINT cancels what is in flight", async () => {
  const { url, queue, startClient } = await scene();
  await using server = await fakeServer(url, queue);
  await using client = await startClient(["-l"], {
    stdin: "one\ntwo\n",
    keepStdinOpen: true,
  });
  await server.received(2);
  let ended = false;
  const result = client.result(10_000).finally(() => ended = true);
  // Two that are sent at once may arrive as one.
  await waitUntil("the client to end", () => {
    client.kill("SIGINT");
    return ended;
  }, 10_000);
  const { code, stdout } = await result;
  assert.deepEqual([code, stdout], [130, "\n\n"]);
});
