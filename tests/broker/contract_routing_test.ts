// Which queues a message reaches, and what arrives there. The same assertions
// for both brokers.

import { deepEqual, equal } from "node:assert/strict";
import { encodeText, toBytes } from "../../src/amqp091/reader.ts";
import {
  arrayField,
  longField,
  ordered,
  stringField,
  type Table,
  tableField,
} from "../../src/amqp091/table.ts";
import type { TestChannel } from "./support/channel.ts";
import { Client } from "./support/client.ts";
import type { Behavior } from "../../src/broker/generation.ts";
import {
  args,
  encodeProperties,
  type TestProperties,
} from "./support/properties.ts";
import { channelTest, contractTest, unique } from "./support/contract.ts";

/** Whether a message with this key reaches a queue bound with this pattern. */
async function reaches(
  channel: TestChannel,
  exchange: string,
  pattern: { key?: string; args?: Table },
  message: { key?: string; headers?: Table },
): Promise<boolean> {
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.bind(queue, exchange, pattern.key ?? "", pattern.args ?? []);
  await channel.publish(exchange, message.key ?? "", "x", {
    properties: message.headers ? { headers: message.headers } : {},
  });
  const reached = await channel.get(queue) !== undefined;
  await channel.deleteQueue(queue);
  return reached;
}

channelTest("topic patterns match as documented", async (channel) => {
  const cases: [string, string, boolean][] = [
    ["*.orange.*", "quick.orange.rabbit", true],
    ["*.orange.*", "orange", false],
    ["lazy.#", "lazy", true],
    ["lazy.#", "lazy.orange.male.rabbit", true],
    ["#", "", true],
    ["*", "", false],
    ["#", "a.b.c", true],
    ["#.c", "c", true],
    ["#.c", "a.b.c", true],
    ["a.#.c", "a.c", true],
    ["a.#.c", "a.b.b.c", true],
    ["a.#.c", "a.b.b.d", false],
    ["a.*.#", "a", false],
    ["a.*.#", "a.b", true],
    ["#.#", "", true],
    ["*.*", "a.", true],
    ["a", "a.", false],
    ["a.b", "a.b", true],
    ["", "", true],
    ["#.b.#", "a.b.c", true],
    ["#.b.#", "a.d.c", false],
  ];
  for (const [pattern, key, expected] of cases) {
    equal(
      await reaches(channel, "amq.topic", { key: pattern }, { key }),
      expected,
      `"${pattern}" and "${key}"`,
    );
  }
});

channelTest("a topic pattern has so many # at most", async (
  channel,
  { maxHashes },
) => {
  const pattern = "#.b.#.d.#";
  if (maxHashes === Infinity) {
    const reached = (key: string) =>
      reaches(channel, "amq.topic", { key: pattern }, { key });
    deepEqual(
      [await reached("a.b.c.d.e"), await reached("a.d.c.b.e")],
      [true, false],
    );
    return;
  }
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.sendBind(queue, "amq.topic", pattern);
  equal(
    await channel.refused(),
    `PRECONDITION_FAILED - Topic binding key '${pattern}' uses 3 '#' wildcards, at most ${maxHashes} are allowed`,
  );
});

channelTest("headers match by value, any or all of them", async (channel) => {
  const number = (tag: "l" | "T", n: bigint) => longField(tag, n);
  const cases: [Table, Table, boolean][] = [
    [
      args({ "x-match": "all", a: 1, b: "2" }),
      args({ a: 1, b: "2", c: true }),
      true,
    ],
    [args({ "x-match": "all", a: 1, b: "2" }), args({ a: 1 }), false],
    [args({ "x-match": "any", a: 1, b: "2" }), args({ b: "2" }), true],
    [args({ "x-match": "any", a: 1 }), args({ a: 2 }), false],
    [args({ "x-match": "any", a: 1 }), [], false],
    [args({ a: 1 }), args({ a: 1 }), true],
    [args({ a: 1 }), [["a", number("l", 1n)]], true],
    [args({ a: 1 }), args({ a: "1" }), false],
    [[["a", { tag: "V", bytes: new Uint8Array(0) }]], args({ a: "any" }), true],
    [args({ "x-other": 1 }), [], true],
    [args({ "x-match": "all-with-x", "x-other": 1 }), [], false],
    [
      args({ "x-match": "any-with-x", "x-other": 1 }),
      args({ "x-other": 1 }),
      true,
    ],
  ];
  for (const [pattern, headers, expected] of cases) {
    const text = JSON.stringify(
      [pattern, headers],
      (_, v) => `${v}` === v ? v : v,
    );
    equal(
      await reaches(channel, "amq.headers", { args: pattern }, { headers }),
      expected,
      text,
    );
  }
});

channelTest("an x-match that is none is refused with 406", async (channel) => {
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.sendBind(queue, "amq.headers", "", args({ "x-match": "some" }));
  equal(
    await channel.refused(),
    'PRECONDITION_FAILED - Invalid x-match field value <<"some">>; expected all, any, all-with-x, or any-with-x',
  );
});

channelTest("a queue bound twice gets a message once", async (channel) => {
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.bind(queue, "amq.topic", "a.*");
  await channel.bind(queue, "amq.topic", "#");
  await channel.bind(queue, "amq.topic", "#");
  await channel.publish("amq.topic", "a.b", "once");
  equal((await channel.get(queue))?.text, "once");
  equal(await channel.get(queue), undefined);
});

channelTest("one of two equal keys can be unbound", async (channel) => {
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.bind(queue, "amq.direct", queue, args({ a: 1 }));
  await channel.bind(queue, "amq.direct", queue);
  await channel.send(
    50,
    50,
    (o) =>
      o.short(0).shortstr(queue).shortstr("amq.direct").shortstr(queue).table(
        [],
      ),
  );
  await channel.next("queue.unbind-ok");
  await channel.publish("amq.direct", queue, "still");
  equal((await channel.get(queue))?.text, "still");
});

/** Headers as they arrive, and properties with them. */
function arriving(
  properties: TestProperties & { headers: Table },
  { ordersHeaders }: Behavior,
): Uint8Array {
  const { headers } = properties;
  const arrive = ordersHeaders ? ordered(headers) : headers;
  return encodeProperties({ ...properties, headers: arrive });
}

channelTest("properties and bodies arrive byte for byte", async (
  channel,
  rabbit,
) => {
  const { queue } = await channel.declareQueue("", { exclusive: true });
  const nested: Table = [
    ["text", stringField("\xc3\xa9 \xff")],
    ["list", arrayField([stringField("a"), longField("T", 5n)])],
    ["twice", stringField("1")],
    ["decimal", { tag: "D", bytes: Uint8Array.of(2, 0, 0, 1, 0) }],
    ["nothing", { tag: "V", bytes: new Uint8Array(0) }],
    ["bytes", { tag: "x", bytes: Uint8Array.of(0, 0, 0, 2, 0, 255) }],
    ["double", {
      tag: "d",
      bytes: Uint8Array.of(64, 9, 33, 251, 84, 68, 45, 24),
    }],
  ];
  const properties = {
    headers: nested,
    priority: 7,
    correlationId: "id\x00\xff",
    replyTo: "elsewhere",
    expiration: "60000",
    userId: "guest",
  };
  const body = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7);
  await channel.publish("", queue, body, { properties });
  const got = await channel.get(queue);
  deepEqual(got?.properties, arriving(properties, rabbit));
  deepEqual(got?.body, body);
});

contractTest(
  "bodies are cut to the frame size of who gets them",
  async (url, { frameMin }) => {
    await using large = await Client.connect(url);
    await using small = await Client.connect(url, { frameMax: frameMin });
    const [a, b] = [await large.channel(), await small.channel()];
    const { queue } = await b.declareQueue("", { exclusive: true });
    await b.consume(queue, { noAck: true });
    const part = frameMin - 8;
    const edges = [part - 1, part, part + 1, 2 * part, 2 * part + 1];
    for (const size of [0, 1, ...edges, 131_064, 131_065]) {
      const body = new Uint8Array(size).fill(size);
      await a.publish("", queue, body);
      deepEqual((await b.next("basic.deliver")).body, body);
      await b.publish("", queue, body);
      deepEqual((await b.next("basic.deliver")).body, body);
    }
  },
);

channelTest(
  "a mandatory message that nobody takes comes back",
  async (channel) => {
    const key = unique();
    const properties = encodeProperties({ correlationId: "c" });
    await channel.publish("", key, "lost", { mandatory: true, properties });
    const back = await channel.next("basic.return");
    deepEqual(
      [back.code, back.replyText, back.exchange, back.routingKey, back.text],
      [312, "NO_ROUTE", "", key, "lost"],
    );
    deepEqual(back.properties, properties);
  },
);

channelTest(
  "confirms come after returns, and count from one",
  async (channel) => {
    await channel.confirmSelect();
    await channel.publish("", unique(), "lost", { mandatory: true });
    await channel.next("basic.return");
    deepEqual((await channel.next("basic.ack")).deliveryTag, 1);
    const { queue } = await channel.declareQueue("", { exclusive: true });
    for (let i = 0; i < 50; i++) channel.writePublish("", queue, `${i}`);
    await channel.client.flush();
    let confirmed = 1;
    while (confirmed < 51) {
      const ack = await channel.next("basic.ack");
      confirmed = ack.flags === 1 ? ack.deliveryTag : confirmed + 1;
    }
    equal(
      (await channel.declareQueue(queue, { passive: true, exclusive: true }))
        .messages,
      50,
    );
  },
);

channelTest(
  "CC and BCC are further routing keys, BCC a secret one",
  async (channel, rabbit) => {
    const queues = [];
    for (let i = 0; i < 3; i++) {
      queues.push((await channel.declareQueue("", { exclusive: true })).queue);
    }
    const [to, cc, bcc] = queues;
    const other = args({ kept: "yes" });
    const copies = arrayField([stringField(cc)]);
    const properties = encodeProperties({
      headers: [["CC", copies], ...other, [
        "BCC",
        arrayField([stringField(bcc)]),
      ]],
    });
    await channel.publish("", to, "x", { properties });
    const expected = arriving({ headers: [["CC", copies], ...other] }, rabbit);
    for (const queue of queues) {
      deepEqual((await channel.get(queue))?.properties, expected);
    }
  },
);

channelTest(
  "a wrong user id or expiration is refused with 406",
  async ({ client }) => {
    const cases: [Parameters<typeof encodeProperties>[0], string][] = [
      [
        { userId: "root" },
        "user_id property set to 'root' but authenticated user was 'guest'",
      ],
      [{ expiration: "soon" }, "invalid expiration 'soon': no_integer"],
      [
        { expiration: "5s" },
        "invalid expiration '5s': {leftover_string,\"s\"}",
      ],
      [{ expiration: "-5" }, "invalid expiration '-5': {value_negative,-5}"],
      [
        { replyTo: "amq.rabbitmq.reply-to" },
        "fast reply consumer does not exist",
      ],
    ];
    for (const [properties, why] of cases) {
      const channel = await client.channel(2);
      await channel.publish("", "q", "x", { properties });
      equal(await channel.refused(), `PRECONDITION_FAILED - ${why}`);
    }
  },
);

channelTest("names may hold any text", async (channel) => {
  const name = encodeText(unique("\0 é"));
  await channel.declareExchange(name, "direct", { autoDelete: true });
  const { queue } = await channel.declareQueue(`${name}q`, { exclusive: true });
  await channel.bind(queue, name, encodeText("é"));
  await channel.publish(name, encodeText("é"), toBytes("odd"));
  const got = await channel.get(queue);
  deepEqual([queue, got?.exchange, got?.routingKey, got?.text], [
    `${name}q`,
    name,
    encodeText("é"),
    "odd",
  ]);
});

channelTest(
  "headers of every type, at any depth, arrive byte for byte",
  async (channel, rabbit) => {
    const sized = (...bytes: number[]) =>
      Uint8Array.of(0, 0, 0, bytes.length, ...bytes);
    const values: Table = [
      ["bool", { tag: "t", bytes: Uint8Array.of(1) }],
      ["byte", { tag: "b", bytes: Uint8Array.of(0x80) }],
      ["unsignedbyte", { tag: "B", bytes: Uint8Array.of(0x80) }],
      ["short", { tag: "s", bytes: Uint8Array.of(0x80, 1) }],
      ["unsignedshort", { tag: "u", bytes: Uint8Array.of(0x80, 1) }],
      ["signedint", { tag: "I", bytes: Uint8Array.of(0x80, 1, 2, 3) }],
      ["unsignedint", { tag: "i", bytes: Uint8Array.of(0x80, 1, 2, 3) }],
      ["long", longField("l", -2n)],
      ["float", { tag: "f", bytes: Uint8Array.of(0x3f, 0xc0, 0, 0) }],
      ["double", {
        tag: "d",
        bytes: Uint8Array.of(0x3f, 0xf8, 0, 0, 0, 0, 0, 0),
      }],
      ["decimal", { tag: "D", bytes: Uint8Array.of(2, 0, 0, 1, 0x41) }],
      ["timestamp", longField("T", 1_700_000_000n)],
      ["void", { tag: "V", bytes: new Uint8Array(0) }],
      ["longstr", stringField("text\0\xff")],
      ["binary", { tag: "x", bytes: sized(0, 0xff, 7) }],
      ["empty table", tableField([])],
      ["empty array", arrayField([])],
    ];
    let deep = tableField(values);
    for (let level = 0; level < 500; level++) {
      deep = level % 2
        ? arrayField([deep, stringField("")])
        : tableField([["in", deep]]);
    }
    const headers: Table = [...values, ["deep", deep], ["bool", values[0][1]]];
    const { queue } = await channel.declareQueue("", { exclusive: true });
    await channel.publish("", queue, "x", { properties: { headers } });
    const got = await channel.get(queue);
    deepEqual(got?.properties, arriving({ headers }, rabbit));
  },
);
