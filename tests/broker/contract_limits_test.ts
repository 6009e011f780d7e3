// What newer generations refuse that older ones took. The same assertions for
// both brokers.

import { equal, match } from "node:assert/strict";
import { startBroker } from "../../src/broker/broker.ts";
import { BEHAVIOR, GENERATIONS } from "../../src/broker/generation.ts";
import { test } from "../support/needs.ts";
import {
  rabbitMqTest,
  sharedRabbitMq,
  startRabbitMq,
} from "../support/rabbitmq.ts";
import { Client } from "./support/client.ts";
import { channelTest, generationAt, unique } from "./support/contract.ts";

const OLD_LIMIT = BEHAVIOR["3.10"].maxMessageSize;
const NEW_LIMIT = BEHAVIOR["4.0"].maxMessageSize;

channelTest("a body beyond 16 MiB is refused with 406, or taken", async (
  channel,
  { maxMessageSize },
) => {
  const size = NEW_LIMIT + 1;
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.publish("", queue, new Uint8Array(size));
  if (maxMessageSize === OLD_LIMIT) {
    await channel.consume(queue, { noAck: true });
    equal((await channel.next("basic.deliver")).body.length, size);
    return;
  }
  equal(
    await channel.refused(),
    `PRECONDITION_FAILED - message size ${size} is larger than configured max size ${maxMessageSize}`,
  );
  const again = await channel.client.channel(2);
  await again.consume(queue, { noAck: true });
  await again.publish("", queue, new Uint8Array(NEW_LIMIT));
  equal((await again.next("basic.deliver")).body.length, NEW_LIMIT);
});

/** Declares a queue that is neither durable nor exclusive. */
async function declareTransient(client: Client): Promise<void> {
  const channel = await client.channel();
  await channel.sendDeclareQueue(unique(), {
    durable: false,
    autoDelete: true,
  });
}

/** It costs the connection, and the text names what was used. */
async function refusesTransient(url: string): Promise<void> {
  await using client = await Client.connect(url);
  await declareTransient(client);
  const { code, replyText } = await client.closed();
  equal(code, 541);
  match(replyText, /^INTERNAL_ERROR - Feature `transient_nonexcl_queues` is/);
}

async function takesTransient(url: string): Promise<void> {
  await using client = await Client.connect(url);
  await declareTransient(client);
  await client.next("queue.declare-ok", 1);
}

for (const generation of GENERATIONS) {
  test(`embedded as ${generation}: transient queues that are not exclusive`, async () => {
    await using broker = await startBroker({ as: generation });
    const { transientQueues } = BEHAVIOR[generation];
    await (transientQueues ? takesTransient : refusesTransient)(broker.url);
  });
}

const options = { sanitizeOps: false, sanitizeResources: false };
rabbitMqTest(
  "RabbitMQ: transient queues that are not exclusive",
  options,
  async () => {
    const { url } = await sharedRabbitMq();
    if (BEHAVIOR[await generationAt(url)].transientQueues) {
      return await takesTransient(url);
    }
    // Debian's package permits what RabbitMQ itself does not.
    await using strict = await startRabbitMq({
      config: "deprecated_features.permit.transient_nonexcl_queues = false",
    });
    await refusesTransient(strict.url);
  },
);
