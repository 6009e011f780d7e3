// Exchanges and queues: in which words a wrong declaration is refused. The same assertions for both brokers.

import { deepEqual, equal, match } from "node:assert/strict";
import type { TestChannel } from "./support/channel.ts";
import type { Client } from "./support/client.ts";
import { args } from "./support/properties.ts";
import { channelTest, unique } from "./support/contract.ts";

/** The queue as RabbitMQ names it in reply texts. */
const q = (name: string) => `queue '${name}' in vhost '/'`;
const x = (name: string) => `exchange '${name}' in vhost '/'`;

/** Runs `send` on a channel of its own and returns how it was refused. */
async function refused(
  client: Client,
  send: (channel: TestChannel) => Promise<unknown>,
): Promise<string> {
  const channel = await client.channel(99);
  await send(channel);
  return await channel.refused();
}

channelTest(
  "a queue that is missing is refused with 404",
  async ({ client }) => {
    const name = unique();
    const text = `NOT_FOUND - no ${q(name)}`;
    equal(
      await refused(client, (c) => c.sendDeclareQueue(name, { passive: true })),
      text,
    );
    equal(await refused(client, (c) => c.sendConsume(name)), text);
    equal(await refused(client, (c) => c.sendBind(name, "amq.direct")), text);
    equal(
      await refused(
        client,
        (c) => c.send(50, 30, (o) => o.short(0).shortstr(name).octet(0)),
      ),
      text,
    );
    equal(
      await refused(
        client,
        (c) => c.send(60, 70, (o) => o.short(0).shortstr(name).octet(0)),
      ),
      text,
    );
  },
);

channelTest("close methods name what failed", async (channel) => {
  await channel.sendDeclareQueue("missing", { passive: true });
  const close = await channel.closedWith();
  deepEqual([close.code, close.classId, close.methodId], [404, 50, 10]);
});

channelTest(
  "an exchange that is missing is refused with 404",
  async (channel) => {
    const { client } = channel;
    const name = unique();
    const { queue } = await channel.declareQueue("", { exclusive: true });
    const text = `NOT_FOUND - no ${x(name)}`;
    equal(
      await refused(
        client,
        (c) => c.sendDeclareExchange(name, "", { passive: true }),
      ),
      text,
    );
    equal(
      await refused(client, (c) => c.sendBind(queue, name)),
      text,
    );
    equal(await refused(client, (c) => c.publish(name, "key", "x")), text);
  },
);

channelTest(
  "another declaration of a queue is refused with 406",
  async (channel) => {
    const { client } = channel;
    const name = unique();
    await channel.declareQueue(name, {
      args: args({ "x-message-ttl": 1000, "x-dead-letter-exchange": "a" }),
    });
    const was = (arg: string, received: string, current: string) =>
      `PRECONDITION_FAILED - inequivalent arg '${arg}' for ${
        q(name)
      }: received ${received} but current is ${current}`;
    const same = { "x-message-ttl": 1000, "x-dead-letter-exchange": "a" };
    const declare = (options: Parameters<TestChannel["sendDeclareQueue"]>[1]) =>
      refused(client, (c) => c.sendDeclareQueue(name, options));
    equal(
      await declare({ durable: false }),
      was("durable", "'false'", "'true'"),
    );
    equal(
      await declare({ autoDelete: true }),
      was("auto_delete", "'true'", "'false'"),
    );
    equal(
      await declare({ args: args({ ...same, "x-message-ttl": 2 }) }),
      was("x-message-ttl", "'2'", "'1000'"),
    );
    equal(
      await declare({ args: args({ ...same, "x-max-length": 5 }) }),
      was("x-max-length", "the value '5' of type 'signedint'", "none"),
    );
    equal(
      await declare({ args: args({ "x-message-ttl": 1000 }) }),
      was("x-dead-letter-exchange", "none", "the value 'a' of type 'longstr'"),
    );
    match(
      await declare({ exclusive: true }),
      /^RESOURCE_LOCKED - cannot obtain exclusive access/,
    );
    const again = await channel.declareQueue(name, { args: args(same) });
    equal(again.queue, name);
    await channel.deleteQueue(name);
  },
);

channelTest(
  "wrong arguments of a queue are refused with 406",
  async ({ client }, { queueModes }) => {
    const name = unique();
    const wrong: [string, string | number | boolean, string][] = [
      ["x-message-ttl", "soon", '"expected integer, got longstr"'],
      ["x-message-ttl", -1, "{value_negative,-1}"],
      ["x-expires", 0, "{value_zero,0}"],
      ["x-max-length", -5, "{value_negative,-5}"],
      ["x-max-priority", 256, "{max_value_exceeded,256}"],
      ["x-overflow", "burst", "invalid_overflow"],
      ["x-dead-letter-routing-key", "k", "routing_key_but_no_dlx_defined"],
      ["x-queue-type", "strange", "\"unsupported queue type 'strange'\""],
      ["x-single-active-consumer", 1, "{unacceptable_type,signedint}"],
    ];
    if (queueModes) {
      const why = "\"unsupported queue mode 'hasty'\"";
      wrong.push(["x-queue-mode", "hasty", why]);
    }
    for (const [key, value, why] of wrong) {
      equal(
        await refused(
          client,
          (c) => c.sendDeclareQueue(name, { args: args({ [key]: value }) }),
        ),
        `PRECONDITION_FAILED - invalid arg '${key}' for ${q(name)}: ${why}`,
      );
    }
    equal(
      await refused(client, (c) =>
        c.sendDeclareQueue(name, {
          args: args({ "x-dead-letter-exchange": 1 }),
        })),
      `PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' in ${
        q(name)
      }`,
    );
  },
);

channelTest(
  "another declaration of an exchange is refused with 406",
  async (channel) => {
    const { client } = channel;
    const name = unique();
    await channel.declareExchange(name, "direct");
    const was = (arg: string, received: string, current: string) =>
      `PRECONDITION_FAILED - inequivalent arg '${arg}' for ${
        x(name)
      }: received ${received} but current is ${current}`;
    const declare = (
      type: string,
      options: Parameters<TestChannel["sendDeclareExchange"]>[2] = {},
    ) => refused(client, (c) => c.sendDeclareExchange(name, type, options));
    equal(await declare("fanout"), was("type", "'fanout'", "'direct'"));
    equal(
      await declare("direct", { durable: true }),
      was("durable", "'true'", "'false'"),
    );
    equal(
      await declare("direct", { autoDelete: true }),
      was("auto_delete", "'true'", "'false'"),
    );
    equal(
      await declare("direct", { internal: true }),
      was("internal", "'true'", "'false'"),
    );
    equal(
      await declare("direct", { args: args({ "alternate-exchange": "e" }) }),
      was("alternate-exchange", "the value 'e' of type 'longstr'", "none"),
    );
    await channel.sendDeleteExchange(name);
    await channel.next("exchange.delete-ok");
  },
);

channelTest(
  "reserved names and the default exchange are refused with 403",
  async (channel) => {
    const { client } = channel;
    const { queue } = await channel.declareQueue("", { exclusive: true });
    const denied =
      "ACCESS_REFUSED - operation not permitted on the default exchange";
    equal(
      await refused(client, (c) => c.sendDeclareQueue("amq.mine")),
      "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
    );
    equal(
      await refused(client, (c) => c.sendDeclareExchange("amq.mine", "direct")),
      "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
    );
    equal(await refused(client, (c) => c.sendBind(queue, "", "k")), denied);
    equal(
      await refused(client, (c) => c.sendDeclareExchange("", "direct")),
      denied,
    );
    equal(await refused(client, (c) => c.sendDeleteExchange("")), denied);
    equal(
      await refused(client, (c) => c.sendDeleteExchange("amq.topic")),
      `ACCESS_REFUSED - deletion of system ${x("amq.topic")} not allowed`,
    );
  },
);

channelTest("the amq exchanges are there", async (channel) => {
  for (
    const [name, type] of [
      ["amq.direct", "direct"],
      ["amq.fanout", "fanout"],
      ["amq.topic", "topic"],
      ["amq.headers", "headers"],
      ["amq.match", "headers"],
    ]
  ) {
    await channel.declareExchange(name, type, { durable: true });
    await channel.declareExchange(name, "", { passive: true });
  }
});

channelTest("an internal exchange can't be published to", async (channel) => {
  const name = unique();
  await channel.declareExchange(name, "fanout", { internal: true });
  equal(
    await refused(channel.client, (c) => c.publish(name, "", "x")),
    `ACCESS_REFUSED - cannot publish to internal ${x(name)}`,
  );
  await channel.sendDeleteExchange(name);
  await channel.next("exchange.delete-ok");
});
