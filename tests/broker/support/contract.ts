// One suite, two brokers: what holds for RabbitMQ holds for ours, as each of the
// generations of it.

import { test } from "../../support/needs.ts";
import { startBroker } from "../../../src/broker/broker.ts";
import {
  BEHAVIOR,
  type Behavior,
  type Generation,
  GENERATIONS,
} from "../../../src/broker/generation.ts";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";
import { generateName } from "../../../src/broker/routing/generated_names.ts";
import { asString, lookup } from "../../../src/amqp091/table.ts";
import type { TestChannel } from "./channel.ts";
import { Client } from "./client.ts";

/**
 * Registers a test of the same assertions for both brokers. Where generations
 * differ, `rabbit` tells how this one behaves.
 */
export function contractTest(
  name: string,
  fn: (url: string, rabbit: Behavior) => Promise<void>,
): void {
  for (const generation of GENERATIONS) {
    test(`embedded as ${generation}: ${name}`, async () => {
      await using broker = await startBroker({ as: generation });
      await fn(broker.url, BEHAVIOR[generation]);
    });
  }
  // The shared node outlives the test that happens to start it.
  const options = { sanitizeOps: false, sanitizeResources: false };
  rabbitMqTest(`RabbitMQ: ${name}`, options, async () => {
    const { url } = await sharedRabbitMq();
    await fn(url, BEHAVIOR[await generationAt(url)]);
  });
}

/** The same, with a connection and a channel to begin with. */
export function channelTest(
  name: string,
  fn: (channel: TestChannel, rabbit: Behavior, url: string) => Promise<void>,
): void {
  contractTest(name, async (url, rabbit) => {
    await using client = await Client.connect(url);
    await fn(await client.channel(), rabbit, url);
  });
}

/** The generation of a RabbitMQ: the newest that is not newer than it. */
export async function generationAt(url: string): Promise<Generation> {
  await using client = await Client.dial(url);
  const { serverProperties } = await client.start();
  const version = asString(lookup(serverProperties, "version")) ?? "";
  const generation = GENERATIONS.findLast((each) => !isNewer(each, version));
  if (generation !== undefined) return generation;
  throw new Error(`RabbitMQ ${version} is older than any that is known here`);
}

function isNewer(a: string, b: string): boolean {
  const [aMajor, aMinor] = a.split(".").map(Number);
  const [bMajor, bMinor] = b.split(".").map(Number);
  return aMajor === bMajor ? aMinor > bMinor : aMajor > bMajor;
}

/** A name that no other test uses. */
export function unique(prefix = "test"): string {
  return generateName(`${prefix}-`);
}
