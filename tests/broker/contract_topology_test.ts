// Exchanges, queues and bindings: declaring, deleting, and the words in which
// what is wrong is refused. The same assertions for both brokers.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { args, Client, type TestChannel } from "./support/client.ts";
import { channelTest, contractTest, unique } from "./support/contract.ts";

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
      await declare({ durable: true }),
      was("durable", "'true'", "'false'"),
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
  async ({ client }) => {
    const name = unique();
    const wrong: [string, string | number | boolean, string][] = [
      ["x-message-ttl", "soon", '"expected integer, got longstr"'],
      ["x-message-ttl", -1, "{value_negative,-1}"],
      ["x-expires", 0, "{value_zero,0}"],
      ["x-max-length", -5, "{value_negative,-5}"],
      ["x-max-priority", 256, "{max_value_exceeded,256}"],
      ["x-overflow", "burst", "invalid_overflow"],
      ["x-dead-letter-routing-key", "k", "routing_key_but_no_dlx_defined"],
      ["x-queue-mode", "hasty", "\"unsupported queue mode 'hasty'\""],
      ["x-queue-type", "strange", "\"unsupported queue type 'strange'\""],
      ["x-single-active-consumer", 1, "{unacceptable_type,signedint}"],
    ];
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

channelTest(
  "an empty queue name is the queue declared last",
  async (channel) => {
    equal(
      await refused(channel.client, (c) => c.sendConsume("")),
      "NOT_FOUND - no previously declared queue",
    );
    const { queue } = await channel.declareQueue("", { exclusive: true });
    await channel.bind("", "amq.direct", "");
    await channel.publish("amq.direct", queue, "found");
    equal((await channel.get(""))?.text, "found");
  },
);

channelTest(
  "deleting and unbinding what is not there is no error",
  async (channel) => {
    equal(await channel.deleteQueue(unique()), 0);
    await channel.sendDeleteExchange(unique());
    await channel.next("exchange.delete-ok");
    const { queue } = await channel.declareQueue("", { exclusive: true });
    await channel.send(
      50,
      50,
      (o) =>
        o.short(0).shortstr(queue).shortstr("amq.direct").shortstr("none")
          .table(
            [],
          ),
    );
    await channel.next("queue.unbind-ok");
  },
);

channelTest("if-unused and if-empty protect a queue", async (channel) => {
  const { client } = channel;
  const name = unique();
  await channel.declareQueue(name);
  await channel.publish("", name, "x");
  equal(
    await refused(client, (c) => c.sendDeleteQueue(name, false, true)),
    `PRECONDITION_FAILED - ${q(name)} not empty`,
  );
  await channel.consume(name);
  equal(
    await refused(client, (c) => c.sendDeleteQueue(name, true)),
    `PRECONDITION_FAILED - ${q(name)} in use`,
  );
  await channel.next("basic.deliver");
  await channel.deleteQueue(name);
});

channelTest("if-unused protects an exchange", async (channel) => {
  const name = unique();
  await channel.declareExchange(name, "fanout");
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.bind(queue, name);
  equal(
    await refused(channel.client, (c) => c.sendDeleteExchange(name, true)),
    `PRECONDITION_FAILED - ${x(name)} in use`,
  );
  await channel.deleteQueue(queue);
  await channel.sendDeleteExchange(name, true);
  await channel.next("exchange.delete-ok");
});

channelTest("declare, purge and delete count the messages", async (channel) => {
  const name = unique();
  await channel.declareQueue(name);
  for (const body of ["a", "b", "c"]) await channel.publish("", name, body);
  await channel.get(name, false);
  deepEqual((await channel.declareQueue(name)).messages, 2);
  equal(await channel.purge(name), 2);
  await channel.publish("", name, "d");
  await channel.confirmSelect();
  equal((await channel.declareQueue(name, { passive: true })).messages, 1);
  equal(await channel.deleteQueue(name), 1);
});

channelTest(
  "an auto-delete queue goes with its last consumer",
  async (channel) => {
    const name = unique();
    await channel.declareQueue(name, { autoDelete: true });
    const tag = await channel.consume(name);
    match(tag, /^amq\.ctag-[A-Za-z0-9_-]{22}$/);
    equal((await channel.declareQueue(name, { passive: true })).consumers, 1);
    await channel.cancel(tag);
    await channel.sendDeclareQueue(name, { passive: true });
    equal(await channel.refused(), `NOT_FOUND - no ${q(name)}`);
  },
);

channelTest(
  "an auto-delete exchange goes with its last binding",
  async (channel) => {
    const name = unique();
    await channel.declareExchange(name, "direct", { autoDelete: true });
    const { queue } = await channel.declareQueue("", { exclusive: true });
    await channel.bind(queue, name, "k");
    await channel.deleteQueue(queue);
    await channel.sendDeclareExchange(name, "", { passive: true });
    equal(await channel.refused(), `NOT_FOUND - no ${x(name)}`);
  },
);

contractTest(
  "consumers hear that their queue is deleted, if they want to",
  async (url) => {
    await using told = await Client.connect(url, {
      capabilities: ["consumer_cancel_notify"],
    });
    await using untold = await Client.connect(url);
    const [a, b] = [await told.channel(), await untold.channel()];
    const name = unique();
    await a.declareQueue(name);
    await a.consume(name, { tag: "a" });
    await b.consume(name, { tag: "b" });
    await (await told.channel(2)).deleteQueue(name);
    equal((await a.next("basic.cancel")).consumerTag, "a");
    // Nothing comes before the answer to something else.
    await b.declareQueue("", { exclusive: true });
  },
);

contractTest("a queue with x-expires goes when it is not used", async (url) => {
  await using client = await Client.connect(url);
  const channel = await client.channel();
  const name = unique();
  await channel.declareQueue(name, { args: args({ "x-expires": 200 }) });
  const endAt = performance.now() + 5000;
  for (let number = 2; performance.now() < endAt; number++) {
    // Only looking at it passively counts as use in neither broker for long.
    await new Promise((resolve) => setTimeout(resolve, 400));
    const probe = await client.channel(number);
    await probe.sendDeclareQueue(name, { passive: true });
    const answer = await client.event((e) => e.channel === number, "answer");
    if (answer.name === "channel.close") return;
  }
  ok(false, "the queue is still there");
});

channelTest("exchanges can be bound to exchanges", async (channel) => {
  const [outer, inner] = [unique(), unique()];
  await channel.declareExchange(outer, "topic", { autoDelete: true });
  await channel.declareExchange(inner, "fanout", { autoDelete: true });
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.bind(queue, inner);
  const binding = (o: Client["out"]) =>
    o.short(0).shortstr(inner).shortstr(outer).shortstr("a.*").octet(0).table(
      [],
    );
  await channel.send(40, 30, binding);
  await channel.next("exchange.bind-ok");
  await channel.publish(outer, "a.b", "through");
  equal((await channel.get(queue))?.text, "through");
  await channel.send(40, 40, binding);
  await channel.next("exchange.unbind-ok");
  await channel.sendDeclareExchange(outer, "", { passive: true });
  equal(await channel.refused(), `NOT_FOUND - no ${x(outer)}`);
});

channelTest(
  "an alternate exchange takes what can't be routed",
  async (channel) => {
    const [main, other] = [unique(), unique()];
    await channel.declareExchange(other, "fanout", { autoDelete: true });
    await channel.declareExchange(main, "direct", {
      args: args({ "alternate-exchange": other }),
    });
    const { queue } = await channel.declareQueue("", { exclusive: true });
    await channel.bind(queue, other);
    await channel.publish(main, "nowhere", "rescued", { mandatory: true });
    const got = await channel.get(queue);
    deepEqual([got?.text, got?.exchange, got?.routingKey], [
      "rescued",
      main,
      "nowhere",
    ]);
    await channel.sendDeleteExchange(main);
    await channel.next("exchange.delete-ok");
  },
);
