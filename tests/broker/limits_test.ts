// What must stay bounded: clients that do not read, connections that come and
// go, and how a broker ends.

import {
  permissionsMissing,
  slowTest,
  test,
  testNeeding,
} from "../support/needs.ts";
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { type Generation, startBroker } from "../../src/broker/broker.ts";
import { Reader } from "../../src/amqp091/reader.ts";
import { Client } from "./support/client.ts";
import { args } from "./support/properties.ts";

const MB = 1024 * 1024;

/** Memory of this process, with the garbage gone as far as it goes. */
function memory(): number {
  const { external, heapUsed } = Deno.memoryUsage();
  return external + heapUsed;
}

test("a client that does not read is given no more than fits, and the rest later", async () => {
  await using broker = await startBroker({ outgoingHighWater: MB });
  await using publisher = await Client.connect(broker.url);
  const channel = await publisher.channel();
  await channel.declareQueue("flood");
  await using slow = await Client.connect(broker.url);
  const consumer = await slow.channel();
  await consumer.consume("flood", { noAck: true });
  slow.pause();
  const count = 400;
  for (let i = 0; i < count; i++) {
    await channel.publish("", "flood", new Uint8Array(100_000).fill(i));
  }
  const { messages } = await channel.declareQueue("flood", { passive: true });
  // The system's own buffers take some megabytes on a loopback connection.
  ok(messages > count / 2, `only ${messages} of ${count} messages were left`);
  slow.resume();
  for (let i = 0; i < count; i++) {
    const { deliveryTag, body } = await consumer.next("basic.deliver");
    deepEqual([deliveryTag, body.length, body[0]], [i + 1, 100_000, i & 255]);
  }
});

test("a client that asks for more than it reads is not read from", async () => {
  await using broker = await startBroker({ outgoingHighWater: MB });
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  const { queue } = await channel.declareQueue("", { exclusive: true });
  const count = 300;
  for (let i = 0; i < count; i++) {
    await channel.publish("", queue, new Uint8Array(100_000));
  }
  await using witness = await Client.connect(broker.url);
  client.pause();
  for (let i = 0; i < count; i++) {
    await channel.send(60, 70, (o) => o.short(0).shortstr(queue).octet(1));
  }
  await witness.channel();
  ok(memory() < 400 * MB);
  client.resume();
  for (let left = count - 1; left >= 0; left--) {
    equal((await channel.next("basic.get-ok")).messages, left);
  }
});

test("who does not read its direct replies is given up", async () => {
  await using broker = await startBroker({ outgoingHighWater: MB });
  await using slow = await Client.connect(broker.url);
  const caller = await slow.channel();
  await caller.consume("amq.rabbitmq.reply-to", { noAck: true });
  const { queue } = await caller.declareQueue("", { exclusive: true });
  await caller.publish("", queue, "q", {
    properties: { replyTo: "amq.rabbitmq.reply-to" },
  });
  const request = await caller.get(queue);
  const name = new Reader(request?.properties ?? new Uint8Array(3), 2)
    .shortstr();
  slow.pause();
  await using server = await Client.connect(broker.url);
  const channel = await server.channel();
  for (let i = 0; i < 200; i++) {
    await channel.publish("", name, new Uint8Array(100_000));
  }
  await channel.sendDeclareQueue(name, { passive: true });
  match(await channel.refused(), /^NOT_FOUND/);
  slow.resume();
});

test("publishers are blocked while messages take too much memory", async () => {
  await using broker = await startBroker({ memoryHighWatermark: MB });
  await using publisher = await Client.connect(broker.url, {
    capabilities: ["connection.blocked"],
  });
  const channel = await publisher.channel();
  await channel.declareQueue("flood");
  const count = 40;
  const body = new Uint8Array(100_000);
  for (let i = 0; i < count; i++) channel.writePublish("", "flood", body);
  const sent = publisher.flush();
  const { reason } = await publisher.next("connection.blocked");
  equal(reason, "low on memory");
  const { ready } = broker.queue("flood") ?? {};
  equal(ready, 11, "the publish that went beyond the limit was the last");
  await using other = await Client.connect(broker.url);
  const consumer = await other.channel();
  await consumer.consume("flood");
  for (let tag = 1; tag <= count; tag++) {
    const { deliveryTag } = await consumer.next("basic.deliver");
    equal(deliveryTag, tag);
    // What is delivered counts until it is settled.
    if (tag === ready) equal(broker.connections[0].blocked, true);
    await consumer.ack(deliveryTag);
  }
  await sent;
  await broker.waitFor(() => broker.queue("flood")?.unacknowledged === 0);
  equal(broker.connections[0].blocked, false);
});

test("memory is given back by all that ends messages", async () => {
  await using broker = await startBroker({ memoryHighWatermark: MB });
  await using client = await Client.connect(broker.url, {
    capabilities: ["connection.blocked"],
  });
  await using other = await Client.connect(broker.url);
  const helper = await other.channel();
  const channel = await client.channel();
  const body = new Uint8Array(2 * MB);
  const ends: Record<string, (queue: string) => Promise<unknown>> = {
    purge: (queue) => helper.purge(queue),
    delete: (queue) => helper.deleteQueue(queue),
    get: (queue) => helper.get(queue),
    expiry: () => Promise.resolve(),
    reject: async (queue) => {
      const { deliveryTag = 0 } = await helper.get(queue, false) ?? {};
      await helper.reject(deliveryTag, false);
    },
    "delete what is not settled": async (queue) => {
      const { deliveryTag = 0 } = await helper.get(queue, false) ?? {};
      await helper.deleteQueue(queue);
      await helper.ack(deliveryTag);
    },
  };
  for (const [name, end] of Object.entries(ends)) {
    await helper.declareQueue(name, {
      args: name === "expiry" ? args({ "x-message-ttl": 20 }) : [],
    });
    await channel.publish("", name, body);
    await client.next("connection.blocked");
    await end(name);
    await client.next("connection.unblocked");
  }
});

slowTest("ten thousand connections come and go", async () => {
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
  const visits = 10_000;
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

test("a client that never says anything is dropped", async () => {
  await using broker = await startBroker({ handshakeTimeoutMs: 100 });
  await using client = await Client.dial(broker.url);
  await client.ended();
});

test("a message that is too large is refused with 406", async () => {
  await using broker = await startBroker({ maxMessageSize: 1000 });
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  await channel.publish("", "q", new Uint8Array(1001));
  equal(
    await channel.refused(),
    "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000",
  );
  const again = await client.channel();
  await again.declareQueue("q", { exclusive: true });
  await again.publish("", "q", new Uint8Array(1000));
  equal((await again.get("q"))?.body.length, 1000);
});

test("closing tells the clients and frees the port", async () => {
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

test("users, virtual hosts and limits are as they were set", async () => {
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

test("options out of range are refused by name", async () => {
  await rejects(
    startBroker({ port: 70_000 }),
    /RangeError: port must be .* got 70000/,
  );
  await rejects(startBroker({ frameMax: 100 }), /frameMax must be/);
  await rejects(startBroker({ vhosts: [] }), /vhosts/);
  await rejects(
    startBroker({ as: "5.0" as Generation }),
    /RangeError: as must be one of 3\.10, 4\.0, 4\.3, got 5\.0/,
  );
  await rejects(startBroker({ frameMax: 4096 }), /frameMax .* from 8192/);
  await (await startBroker({ frameMax: 4096, as: "4.0" })).close();
  const permissions = { configure: "(", write: "", read: "" };
  await rejects(
    startBroker({ users: new Map([["x", { password: "y", permissions }]]) }),
    /RangeError: the configure permission "\(" is not a valid regular expression/,
  );
});

test("unknown methods are refused with 540, surplus octets with 502", async () => {
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

test("a stream is refused with 540", async () => {
  await using broker = await startBroker();
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  await channel.sendDeclareQueue("q", {
    durable: true,
    args: args({ "x-queue-type": "stream" }),
  });
  equal(
    (await client.closed()).replyText,
    "NOT_IMPLEMENTED - queues of type 'stream'",
  );
});

function noIPv6(): string | undefined {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return undefined;
  } catch (error) {
    return `IPv6 is not to be had here: ${error}`;
  }
}

testNeeding("it listens on IPv6 as well", {
  needs: [permissionsMissing() ?? noIPv6()],
}, async () => {
  await using broker = await startBroker({ hostname: "::1" });
  match(broker.url, /^amqp:\/\/guest:guest@\[::1\]:\d+$/);
  await using client = await Client.connect(broker.url);
  await client.channel();
});
