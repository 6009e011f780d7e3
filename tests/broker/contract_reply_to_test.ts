// Direct reply-to: "amq.rabbitmq.reply-to" in place of a callback queue. The
// same assertions for both brokers.

import { deepEqual, equal, match } from "node:assert/strict";
import { Reader } from "../../src/amqp091/reader.ts";
import { Client } from "./support/client.ts";
import { contractTest } from "./support/contract.ts";

const NAME = "amq.rabbitmq.reply-to";

/** The reply-to of properties that have nothing else. */
function replyTo(properties: Uint8Array): string {
  return new Reader(properties, 2).shortstr();
}

contractTest("a reply needs no queue", async (url, { returnsReplies }) => {
  await using caller = await Client.connect(url);
  await using server = await Client.connect(url);
  const [a, b] = [await caller.channel(), await server.channel()];
  const { queue } = await b.declareQueue("");
  await b.consume(queue, { noAck: true });
  await a.consume(NAME, { tag: "replies", noAck: true });
  await a.publish("", queue, "question", { properties: { replyTo: NAME } });
  const name = replyTo((await b.next("basic.deliver")).properties);
  match(name, /^amq\.rabbitmq\.reply-to\.[A-Za-z0-9_+/=.-]{20,}$/);
  equal((await b.declareQueue(name, { passive: true })).consumers, 1);
  await b.publish("", name, "answer", { properties: { correlationId: "7" } });
  const answer = await a.next("basic.deliver");
  deepEqual(
    [answer.consumerTag, answer.text, answer.exchange, answer.routingKey],
    ["replies", "answer", "", name],
  );
  // It is no queue: in older ones a mandatory reply arrives and comes back.
  await b.publish("", name, "again", { mandatory: true });
  equal((await a.next("basic.deliver")).text, "again");
  if (returnsReplies) {
    equal((await b.next("basic.return")).replyText, "NO_ROUTE");
  }
  await a.cancel("replies");
  await b.sendDeclareQueue(name, { passive: true });
  equal(await b.refused(), `NOT_FOUND - no queue '${name}' in vhost '/'`);
  await (await server.channel()).deleteQueue(queue);
});

contractTest("a reply to one who is gone is unroutable, or lost", async (
  url,
  { returnsReplies },
) => {
  const caller = await Client.connect(url);
  const a = await caller.channel();
  const { queue } = await a.declareQueue("", { exclusive: true });
  await a.consume(NAME, { noAck: true });
  await a.publish("", queue, "q", { properties: { replyTo: NAME } });
  const request = await a.get(queue);
  await caller.close();
  await caller[Symbol.asyncDispose]();
  await using server = await Client.connect(url);
  const b = await server.channel();
  const name = replyTo(request?.properties ?? new Uint8Array(2));
  await b.publish("", name, "late", { mandatory: true });
  if (returnsReplies) equal((await b.next("basic.return")).code, 312);
  await b.declareQueue("", { exclusive: true });
});

contractTest(
  "a reply to no name of a reply consumer is fatal, or unroutable",
  async (
    url,
    { failsOnForeignReplies },
  ) => {
    await using client = await Client.connect(url);
    const channel = await client.channel();
    await channel.publish("", `${NAME}.A.B`, "x", { mandatory: true });
    if (failsOnForeignReplies) {
      const close = await client.closed();
      deepEqual([close.code, close.replyText], [541, "INTERNAL_ERROR"]);
    } else equal((await channel.next("basic.return")).code, 312);
  },
);

contractTest("a consumer of replies is checked", async (url) => {
  await using client = await Client.connect(url);
  const text = (why: string) => `PRECONDITION_FAILED - ${why}`;
  const first = await client.channel(1);
  await first.sendConsume(NAME);
  equal(await first.refused(), text("reply consumer cannot acknowledge"));
  const second = await client.channel(2);
  await second.consume(NAME, { noAck: true });
  await second.sendConsume(NAME, { noAck: true });
  equal(await second.refused(), text("reply consumer already set"));
});
