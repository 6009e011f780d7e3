// One suite, two brokers: what holds for RabbitMQ holds for ours.

import { test } from "../../support/needs.ts";
import { startBroker } from "../../../src/broker/broker.ts";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";
import { generateName } from "../../../src/broker/names.ts";
import type { TestChannel } from "./channel.ts";
import { Client } from "./client.ts";

/** Registers a test of the same assertions for both brokers. */
export function contractTest(
  name: string,
  fn: (url: string) => Promise<void>,
): void {
  test(`embedded: ${name}`, async () => {
    await using broker = await startBroker();
    await fn(broker.url);
  });
  // The shared node outlives the test that happens to start it.
  const options = { sanitizeOps: false, sanitizeResources: false };
  rabbitMqTest(`RabbitMQ: ${name}`, options, async () => {
    await fn((await sharedRabbitMq()).url);
  });
}

/** The same, with a connection and a channel to begin with. */
export function channelTest(
  name: string,
  fn: (channel: TestChannel, url: string) => Promise<void>,
): void {
  contractTest(name, async (url) => {
    await using client = await Client.connect(url);
    await fn(await client.channel(), url);
  });
}

/** A name that no other test uses. */
export function unique(prefix = "test"): string {
  return generateName(`${prefix}-`);
}
