// What --wait says while it waits, and that it waits no longer than it has to.

import assert from "node:assert/strict";
import { freePort } from "../../support/ports.ts";
import { startBroker } from "../../../src/broker/broker.ts";
import { test } from "../../support/needs.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { fakeServer } from "../fake_server.ts";
import { rawChannel, scene } from "../scene.ts";

rabbitMqTest("--wait says that the queue is missing, once", async () => {
  const { url, queue, startClient } = await scene();
  await using client = await startClient(["--wait", "1"]);
  await client.waitFor("waiting for one", "stderr");
  await using _server = await fakeServer(url, queue, (request, server) => {
    server.answer(request, "here");
  });
  const { code, stdout, stderr } = await client.result();
  assert.deepEqual([code, stdout], [0, "here"]);
  assert.equal(
    stderr,
    `rabbit-rpc: no queue "${queue}" on vhost "/"; waiting for one\n`,
  );
});

rabbitMqTest("a batch says that its queue has no server", async () => {
  const { url, queue, startClient } = await scene();
  await using raw = await rawChannel(url);
  await raw.channel.assertQueue(queue, { autoDelete: true });
  await using client = await startClient(["-l"], { stdin: "1\n2\n" });
  const said = await client.waitFor("waiting for one", "stderr");
  assert.equal(
    said,
    `rabbit-rpc: queue "${queue}" exists but no server is consuming it ` +
      "(2 requests waiting); waiting for one",
  );
  await raw.channel.consume(queue, (request) => {
    const { replyTo, correlationId } = request!.properties;
    raw.channel.sendToQueue(replyTo, request!.content, { correlationId });
  }, { noAck: true });
  const { code, stdout } = await client.result();
  assert.deepEqual([code, stdout], [0, "1\n2\n"]);
});

rabbitMqTest("--quiet waits in silence", async () => {
  const { client } = await scene();
  const args = ["-q", "--wait", "-t", "1500ms", "1"];
  const { code, stderr } = await client(args);
  assert.equal(code, 69);
  assert.match(stderr, /^rabbit-rpc: no queue [^\n]+use --wait\.\n$/);
});

test("--wait says that there is no broker, then what else is missing", async () => {
  const port = freePort();
  const { queue, startClient } = await scene({
    url: `amqp://127.0.0.1:${port}`,
  });
  await using client = await startClient(["--wait", "1"]);
  const first = await client.waitFor("waiting for one", "stderr");
  assert.match(
    first,
    /^rabbit-rpc: cannot reach a broker at 127.0.0.1:\d+ \(connection refused\); waiting for one$/,
  );
  await using broker = await startBroker({ port });
  const second = await client.waitFor("waiting for one", "stderr", {
    occurrence: 2,
  });
  assert.match(
    second,
    /^rabbit-rpc: no queue .* on vhost "\/"; waiting for one$/,
  );
  await using _server = await fakeServer(broker.url, queue, (it, server) => {
    server.answer(it, "at last");
  });
  const { code, stdout } = await client.result();
  assert.deepEqual([code, stdout], [0, "at last"]);
});
