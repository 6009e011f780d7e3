// Deliveries that are not acknowledged in time. The same assertions for both
// brokers, each with a short time for it.

import { deepEqual, equal } from "node:assert/strict";
import { startBroker } from "../../src/broker/broker.ts";
import {
  BEHAVIOR,
  type Behavior,
  GENERATIONS,
} from "../../src/broker/generation.ts";
import { test } from "../support/needs.ts";
import { rabbitMqTest, startRabbitMq } from "../support/rabbitmq.ts";
import type { TestChannel } from "./support/channel.ts";
import { Client } from "./support/client.ts";
import { generationAt, unique } from "./support/contract.ts";
import { args } from "./support/properties.ts";

const TIMEOUT_MS = 1000;

/** A client, and whether it wants to hear of consumers that end. */
function connect(url: string, ...capabilities: string[]): Promise<Client> {
  return Client.connect(url, { capabilities });
}

/** Consumes a message of a new queue, and leaves it unacknowledged. */
async function hold(
  client: Client,
  type: "classic" | "quorum",
  tag = "",
): Promise<{ channel: TestChannel; queue: string }> {
  const channel = await client.channel();
  const queue = unique(type);
  await channel.declareQueue(queue, { args: args({ "x-queue-type": type }) });
  await channel.consume(queue, { tag });
  await channel.publish("", queue, "held");
  await channel.next("basic.deliver");
  return { channel, queue };
}

const text = (timeoutMs: number) =>
  `PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: ${timeoutMs} ms. This timeout value can be configured, see consumers doc guide to learn more`;

/** Up to 4.2 a channel that keeps a delivery is closed. */
async function closesChannels(url: string): Promise<void> {
  for (const type of ["classic", "quorum"] as const) {
    await using client = await connect(url, "consumer_cancel_notify");
    const { channel, queue } = await hold(client, type);
    equal(await channel.refused(), text(TIMEOUT_MS));
    await using other = await connect(url);
    const next = await other.channel();
    await next.consume(queue);
    equal((await next.next("basic.deliver")).redelivered, true);
  }
}

/** Since 4.3 a consumer of a quorum queue is, and nobody else. */
async function cancelsConsumers(url: string): Promise<void> {
  await using bystander = await connect(url);
  const classic = await hold(bystander, "classic");
  await using told = await connect(url, "consumer_cancel_notify");
  const { channel, queue } = await hold(told, "quorum", "slow");
  equal((await channel.next("basic.cancel")).consumerTag, "slow");
  // What it has may go to another, and to acknowledge it is no error.
  const other = await told.channel(2);
  await other.consume(queue);
  const again = await other.next("basic.deliver");
  deepEqual([again.text, again.redelivered], ["held", true]);
  await other.ack(again.deliveryTag);
  await channel.ack(1);
  await channel.declareQueue(queue, { passive: true });
  await using untold = await connect(url);
  const closed = await hold(untold, "quorum");
  equal(await closed.channel.refused(), text(-1));
  await classic.channel.declareQueue(classic.queue, { passive: true });
}

function timesOut(url: string, { consumerTimeouts }: Behavior): Promise<void> {
  return consumerTimeouts === "quorum"
    ? cancelsConsumers(url)
    : closesChannels(url);
}

for (const generation of GENERATIONS) {
  test(`embedded as ${generation}: a delivery that is kept too long`, async () => {
    const options = { as: generation, consumerTimeoutMs: TIMEOUT_MS };
    await using broker = await startBroker(options);
    await timesOut(broker.url, BEHAVIOR[generation]);
  });
}

rabbitMqTest("RabbitMQ: a delivery that is kept too long", async () => {
  await using node = await startRabbitMq();
  // Channels look once a minute by default, and no configuration file says so.
  const settings = { consumer_timeout: TIMEOUT_MS, channel_tick_interval: 500 };
  const commands = Object.entries(settings).map(([name, value]) =>
    `application:set_env(rabbit, ${name}, ${value})`
  );
  await node.ctl("eval", `${commands.join(", ")}.`);
  await timesOut(node.url, BEHAVIOR[await generationAt(node.url)]);
});
