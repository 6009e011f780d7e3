// What becomes of publishers while a broker has no room. The same assertions
// for a RabbitMQ that is low on memory and for the embedded broker.

import { equal, match } from "node:assert/strict";
import { startBroker } from "../../src/broker/broker.ts";
import { test } from "../support/needs.ts";
import { rabbitMqTest, startRabbitMq } from "../support/rabbitmq.ts";
import { Client } from "./support/client.ts";

/** A broker whose alarm can be raised. */
interface Alarming {
  url: string;
  block(): void | Promise<void>;
  unblock(): void | Promise<void>;
}

async function blocksPublishersAlone(broker: Alarming): Promise<void> {
  const capabilities = ["connection.blocked"];
  await using publisher = await Client.connect(broker.url, { capabilities });
  await using silent = await Client.connect(broker.url);
  await using reader = await Client.connect(broker.url, { capabilities });
  const channel = await publisher.channel();
  const unaware = await silent.channel();
  const other = await reader.channel();
  await channel.declareQueue("alarm");
  await channel.publish("", "alarm", "before");
  await channel.declareQueue("alarm", { passive: true });
  await broker.block();
  // Who has published is told with the next publish, and not before.
  await channel.declareQueue("alarm", { passive: true });
  equal(publisher.peek("connection.blocked"), undefined);
  await channel.publish("", "alarm", "during");
  match((await publisher.next("connection.blocked")).reason, /low on memory/);
  await unaware.publish("", "alarm", "during");
  // Those who only consume go on, and nothing is read from the others.
  await channel.sendDeclareQueue("later");
  await unaware.sendDeclareQueue("later too");
  equal((await other.get("alarm"))?.text, "before");
  equal(reader.peek("connection.blocked"), undefined);
  equal(publisher.peek("queue.declare-ok"), undefined);
  await broker.unblock();
  await publisher.next("connection.unblocked");
  await channel.next("queue.declare-ok");
  await unaware.next("queue.declare-ok");
  equal(silent.peek("connection.unblocked"), undefined);
  equal((await other.declareQueue("alarm", { passive: true })).messages, 2);
}

test("embedded: an alarm blocks those who publish", async () => {
  await using broker = await startBroker();
  const raised = new DisposableStack();
  await blocksPublishersAlone({
    url: broker.url,
    block: () => void raised.use(broker.block()),
    unblock: () => raised.dispose(),
  });
});

rabbitMqTest("RabbitMQ: an alarm blocks those who publish", async () => {
  await using node = await startRabbitMq();
  await blocksPublishersAlone({
    url: node.url,
    block: () => node.blockPublishers(),
    unblock: () => node.unblockPublishers(),
  });
});
