// What must stay bounded: clients that do not read, connections that come and
// go, and how a broker ends.

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { startBroker } from "../../src/broker/broker.ts";
import { args, Client } from "./support/client.ts";

const MB = 1024 * 1024;

/** Memory of this process, with the garbage gone as far as it goes. */
function memory(): number {
  const { external, heapUsed } = Deno.memoryUsage();
  return external + heapUsed;
}

Deno.test("a client that does not read is given no more than fits", async () => {
  await using broker = await startBroker({ outgoingHighWater: MB });
  await using publisher = await Client.connect(broker.url);
  const channel = await publisher.channel();
  await channel.declareQueue("flood");
  await using _slow = await silentConsumer(broker.url, "flood");
  const body = new Uint8Array(100_000);
  // 40 MB, of which the slow client may hold what its buffers hold.
  for (let i = 0; i < 400; i++) await channel.publish("", "flood", body);
  const { messages } = await channel.declareQueue("flood", { passive: true });
  // The system's own buffers take some megabytes on a loopback connection.
  ok(messages > 200, `only ${messages} of 400 messages were left`);
});

/** Consumes a queue without acknowledgements and reads nothing of it. */
async function silentConsumer(url: string, queue: string): Promise<Client> {
  const client = await Client.connect(url);
  const channel = await client.channel();
  await channel.consume(queue, { noAck: true });
  client.pause();
  return client;
}

Deno.test("thousands of connections come and go", async () => {
  await using broker = await startBroker();
  await using witness = await Client.connect(broker.url);
  const channel = await witness.channel();
  const before = memory();
  const visit = async (i: number) => {
    const client = i % 4 === 0
      ? await Client.dial(broker.url)
      : await Client.connect(broker.url);
    if (i % 4 === 2) {
      await (await client.channel()).declareQueue("", { exclusive: true });
    }
    if (i % 4 === 3) await client.close();
    await client[Symbol.asyncDispose]();
  };
  const visits = 3000;
  let next = 0;
  const visitor = async () => {
    while (next < visits) await visit(next++);
  };
  await Promise.all(Array.from({ length: 16 }, visitor));
  equal(next, visits);
  await channel.declareQueue("", { exclusive: true });
  ok(
    memory() - before < 100 * MB,
    `${(memory() - before) / MB} MB more than before`,
  );
});

Deno.test("a client that never says anything is dropped", async () => {
  await using broker = await startBroker({ handshakeTimeoutMs: 100 });
  await using client = await Client.dial(broker.url);
  await client.ended();
});

Deno.test("a message that is too large is refused with 406", async () => {
  await using broker = await startBroker({ maxMessageSize: 1000 });
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  await channel.publish("", "q", new Uint8Array(1001));
  equal(
    await channel.refused(),
    "PRECONDITION_FAILED - message size 1001 is larger than max size 1000",
  );
});

Deno.test("closing tells the clients and frees the port", async () => {
  const broker = await startBroker();
  await using client = await Client.connect(broker.url);
  const closing = broker.close();
  const close = await client.closed();
  deepEqual([close.code, close.replyText], [
    320,
    "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
  ]);
  await closing;
  await broker.close();
  await rejects(Client.dial(broker.url));
  await using again = await startBroker({ port: broker.port });
  equal(again.port, broker.port);
});

Deno.test("users, virtual hosts and limits are as they were set", async () => {
  await using broker = await startBroker({
    users: new Map([["böb", "s3cret/é"]]),
    vhosts: ["/dev"],
    frameMax: 8192,
    channelMax: 5,
    heartbeatS: 7,
  });
  match(
    broker.url,
    /^amqp:\/\/b%C3%B6b:s3cret%2F%C3%A9@127\.0\.0\.1:\d+\/%2Fdev$/,
  );
  await using client = await Client.dial(broker.url);
  await client.start({ user: "böb", password: "s3cret/é" });
  const tune = await client.next("connection.tune");
  deepEqual([tune.frameMax, tune.channelMax, tune.heartbeat], [8192, 5, 7]);
  await client.tuneOk({}, tune);
  await client.open("/dev");
  await client.next("connection.open-ok");
});

Deno.test("options out of range are refused by name", async () => {
  await rejects(
    startBroker({ port: 70_000 }),
    /RangeError: port must be .* got 70000/,
  );
  await rejects(startBroker({ frameMax: 100 }), /frameMax must be/);
  await rejects(startBroker({ vhosts: [] }), /vhosts/);
});

Deno.test("unknown methods are refused with 540, surplus octets with 502", async () => {
  await using broker = await startBroker();
  for (
    const [payload, code] of [
      [Uint8Array.of(0, 60, 0, 99), 540],
      [Uint8Array.of(0, 99, 0, 1), 540],
      [Uint8Array.of(0, 90, 0, 10, 0), 502],
      [Uint8Array.of(0, 60), 502],
    ] as const
  ) {
    await using client = await Client.connect(broker.url);
    await client.channel();
    await client.sendFrame(1, 1, payload);
    equal((await client.closed()).code, code);
    await client.ended();
  }
});

Deno.test("what is no classic queue is refused with 540", async () => {
  await using broker = await startBroker();
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  await channel.sendDeclareQueue("q", {
    durable: true,
    args: args({ "x-queue-type": "quorum" }),
  });
  equal(
    (await client.closed()).replyText,
    "NOT_IMPLEMENTED - queues of type 'quorum'",
  );
});
