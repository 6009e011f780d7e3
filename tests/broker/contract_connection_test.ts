// Connections: negotiation, login, how they end, and violations of the
// protocol. The same assertions for RabbitMQ and for the embedded broker.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  asString,
  asTable,
  lookup,
  stringField,
  tableField,
} from "../../src/amqp091/table.ts";
import { byteString, toBytes } from "../../src/amqp091/reader.ts";
import { Client, type ConnectOptions } from "./support/client.ts";
import { contractTest } from "./support/contract.ts";

contractTest(
  "the handshake offers what RabbitMQ offers",
  async (url, rabbit) => {
    await using client = await Client.dial(url);
    const start = await client.start();
    deepEqual([start.major, start.minor], [0, 9]);
    // RabbitMQ promises no order.
    const sorted = (mechanisms: string) => mechanisms.split(" ").sort();
    deepEqual(sorted(start.mechanisms), sorted(rabbit.mechanisms));
    equal(start.locales, "en_US");
    ok(asString(lookup(start.serverProperties, "product")));
    const capabilities =
      asTable(lookup(start.serverProperties, "capabilities")) ?? [];
    deepEqual(capabilities.map(([name]) => name).sort(), [
      "authentication_failure_close",
      "basic.nack",
      "connection.blocked",
      "consumer_cancel_notify",
      "consumer_priorities",
      "direct_reply_to",
      "exchange_exchange_bindings",
      "per_consumer_qos",
      "publisher_confirms",
    ]);
    const tune = await client.next("connection.tune");
    deepEqual([tune.channelMax, tune.frameMax], [2047, 131072]);
    equal(tune.heartbeat, 60);
    await client.tuneOk({}, tune);
    await client.open("/");
    await client.next("connection.open-ok");
    await client.close();
  },
);

contractTest("what is no AMQP is told of the newest", async (url, rabbit) => {
  equal(await answerTo(url, "HTTP/1.1"), rabbit.answerToOtherProtocols);
});

contractTest("another AMQP is told of 0-9-1", async (url) => {
  const newer = "AMQP\x00\x00\x09\x02";
  equal(await answerTo(url, newer), "AMQP\x00\x00\x09\x01");
});

contractTest(
  "AMQP 1.0 is told of 0-9-1 where it is all there is",
  async (url) => {
    const answer = await answerTo(url, "AMQP\x03\x01\x00\x00");
    // RabbitMQ 4.x goes on in AMQP 1.0; the embedded broker never does.
    const speaksIt = answer.startsWith("AMQP\x03\x01\x00\x00");
    ok(speaksIt || answer === "AMQP\x00\x00\x09\x01", JSON.stringify(answer));
  },
);

async function answerTo(url: string, header: string): Promise<string> {
  const { hostname, port } = new URL(url);
  using conn = await Deno.connect({ hostname, port: Number(port) });
  await conn.write(toBytes(header));
  return await readToEnd(conn);
}

contractTest("a wrong password is refused with 403", async (url) => {
  await using client = await Client.dial(url);
  await client.start({
    password: "wrong",
    capabilities: ["authentication_failure_close"],
  });
  const close = await client.closed();
  deepEqual([close.code, close.classId, close.methodId], [403, 0, 0]);
  equal(
    close.replyText,
    "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.",
  );
});

contractTest("AMQPLAIN logs in as well", async (url) => {
  const login = tableField([
    ["LOGIN", stringField("guest")],
    ["PASSWORD", stringField("guest")],
  ]);
  await using client = await Client.connect(url, {
    mechanism: "AMQPLAIN",
    response: byteString(login.bytes, 4),
  });
  await client.channel();
});

contractTest("an unknown virtual host is refused with 530", async (url) => {
  await using client = await Client.dial(url);
  await client.start();
  await client.tuneOk({}, await client.next("connection.tune"));
  await client.open("nowhere");
  const close = await client.next("connection.close");
  deepEqual(
    { code: close.code, classId: close.classId, methodId: close.methodId },
    { code: 530, classId: 10, methodId: 40 },
  );
  equal(close.replyText, "NOT_ALLOWED - vhost nowhere not found");
});

contractTest(
  "what is wrong before the end of the handshake drops the client",
  async (url, { frameMin }) => {
    // RabbitMQ takes its time, so all at once.
    await Promise.all([
      dropped(url, { password: "wrong" }),
      dropped(url, { mechanism: "MAGIC" }),
      dropped(url, { response: "no zeros" }),
      dropped(url, { frameMax: frameMin - 1 }),
      dropped(url, { frameMax: 0 }),
      dropped(url, { channelMax: 4000 }),
      dropped(url, { channelMax: 0 }),
    ]);
  },
);

async function dropped(url: string, options: ConnectOptions): Promise<void> {
  await using client = await Client.dial(url);
  await client.start(options);
  if (options.frameMax !== undefined || options.channelMax !== undefined) {
    await client.tuneOk(options, await client.next("connection.tune"));
  }
  await client.ended();
}

async function readToEnd(conn: Deno.Conn): Promise<string> {
  let text = "";
  const bytes = new Uint8Array(64);
  try {
    for (let n = await conn.read(bytes); n; n = await conn.read(bytes)) {
      text += byteString(bytes, 0, n);
    }
  } catch (error) {
    // A server that did not read all of it resets the connection.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  return text;
}

contractTest(
  "more channels than negotiated are refused with 530",
  async (url) => {
    await using client = await Client.connect(url, { channelMax: 2 });
    await client.channel(1);
    await client.channel(2);
    await client.send(3, 20, 10, (o) => o.shortstr(""));
    const close = await client.closed();
    equal(close.code, 530);
    equal(
      close.replyText,
      "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)",
    );
  },
);

contractTest(
  "a method before channel.open is refused with 504",
  async (url) => {
    await using client = await Client.connect(url);
    await client.send(1, 50, 30, (o) => o.short(0).shortstr("q").octet(0));
    const close = await client.closed();
    deepEqual([close.code, close.classId, close.methodId], [504, 50, 30]);
    equal(close.replyText, "CHANNEL_ERROR - expected 'channel.open'");
    await client.ended();
  },
);

contractTest(
  "a method for a channel that was closed is refused with 504",
  async (url) => {
    await using client = await Client.connect(url);
    const channel = await client.channel();
    await channel.close();
    await channel.sendDeclareQueue("q", { exclusive: true });
    const close = await client.closed();
    deepEqual([close.code, close.classId, close.methodId], [504, 50, 10]);
    equal(close.replyText, "CHANNEL_ERROR - expected 'channel.open'");
    await client.ended();
  },
);

contractTest("a second channel.open is refused with 504", async (url) => {
  await using client = await Client.connect(url);
  await client.channel();
  await client.send(1, 20, 10, (o) => o.shortstr(""));
  const close = await client.closed();
  equal(close.code, 504);
  equal(close.replyText, "CHANNEL_ERROR - second 'channel.open' seen");
});

contractTest("a body without a publish is refused with 505", async (url) => {
  await using client = await Client.connect(url);
  await client.channel();
  await client.sendFrame(3, 1, toBytes("stray"));
  const close = await client.closed();
  deepEqual([close.code, close.classId, close.methodId], [505, 0, 0]);
  equal(
    close.replyText,
    "UNEXPECTED_FRAME - expected method frame, got non method frame instead",
  );
});

contractTest(
  "a method in the middle of a publish is refused with 505",
  async (url) => {
    await using client = await Client.connect(url);
    await client.channel();
    const publish = (o: Client["out"]) =>
      o.short(0).shortstr("").shortstr("q").octet(0);
    await client.send(1, 60, 40, publish);
    await client.send(1, 60, 40, publish);
    const close = await client.closed();
    deepEqual([close.code, close.classId, close.methodId], [505, 60, 40]);
    equal(
      close.replyText,
      "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead",
    );
  },
);

contractTest("a frame that is too large is refused with 501", async (url, {
  frameMin,
}) => {
  await using client = await Client.connect(url, { frameMax: frameMin });
  await client.channel();
  await client.sendFrame(1, 1, new Uint8Array(9000));
  const close = await client.closed();
  equal(close.code, 501);
  equal(
    close.replyText,
    `FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,9000,${
      frameMin - 8
    }}`,
  );
});

contractTest("a frame of 4 GiB is refused with 501", async (url) => {
  await using client = await Client.connect(url);
  await client.channel();
  await client.sendBytes(toBytes("\x01\0\x01\xff\xff\xff\xf8"));
  const close = await client.closed();
  deepEqual(
    [close.code, close.replyText],
    [
      501,
      "FRAME_ERROR - type 1, all octets = <<>>: " +
      `{frame_too_large,4294967288,${client.frameMax - 8}}`,
    ],
  );
});

contractTest("a frame that ends wrongly is refused with 501", async (url) => {
  await using client = await Client.connect(url);
  await client.sendBytes(toBytes("\x08\x00\x00\x00\x00\x00\x00\xcd"));
  const close = await client.closed();
  equal(close.code, 501);
  equal(
    close.replyText,
    "FRAME_ERROR - type 8, all octets = <<>>: {invalid_frame_end_marker,205}",
  );
});

contractTest("a frame of an unknown type is refused with 501", async (url) => {
  await using client = await Client.connect(url);
  await client.sendFrame(9, 0, new Uint8Array(3));
  const close = await client.closed();
  equal(close.code, 501);
  equal(
    close.replyText,
    "FRAME_ERROR - type 9, all octets = <<0,0,0>>: unknown_frame",
  );
});

contractTest("a heartbeat on a channel is refused with 505", async (url) => {
  await using client = await Client.connect(url);
  await client.channel();
  await client.sendFrame(8, 1, new Uint8Array(0));
  const close = await client.closed();
  equal(close.code, 505);
  equal(close.replyText, "UNEXPECTED_FRAME - type 8, all octets = <<>>");
});

contractTest(
  "methods that answer nothing are refused with 503",
  async (url) => {
    await using client = await Client.connect(url);
    const channel = await client.channel();
    await channel.send(20, 21, (o) => o.octet(1));
    const close = await client.closed();
    deepEqual(
      [close.code, close.replyText],
      [503, "COMMAND_INVALID - unimplemented method"],
    );
  },
);

contractTest("a name that is not UTF-8 is refused with 501", async (url) => {
  await using client = await Client.connect(url);
  const channel = await client.channel();
  await channel.sendDeclareQueue("\xff", { exclusive: true });
  const close = await client.closed();
  deepEqual(
    [close.code, close.replyText],
    [501, "FRAME_ERROR - Malformed UTF-8 in shortstr"],
  );
});

contractTest("immediate is refused with 540", async (url) => {
  await using client = await Client.connect(url);
  const channel = await client.channel();
  await channel.publish("", "q", "x", { immediate: true });
  const close = await client.closed();
  deepEqual([close.code, close.classId, close.methodId], [540, 60, 40]);
  equal(close.replyText, "NOT_IMPLEMENTED - immediate=true");
});

contractTest(
  "a prefetch size, channel.flow off and recover without requeue are refused with 540",
  async (url) => {
    const refused: [number, number, (o: Client["out"]) => unknown][] = [
      [60, 10, (o) => o.long(1).short(0).octet(0)],
      [20, 20, (o) => o.octet(0)],
      [60, 110, (o) => o.octet(0)],
    ];
    for (const [classId, method, write] of refused) {
      await using client = await Client.connect(url);
      const channel = await client.channel();
      await channel.send(classId, method, write);
      const close = await client.closed();
      deepEqual([close.code, close.classId, close.methodId], [
        540,
        classId,
        method,
      ]);
    }
  },
);

contractTest(
  "a consumer tag that is taken is refused with 530",
  async (url) => {
    await using client = await Client.connect(url);
    const channel = await client.channel();
    const { queue } = await channel.declareQueue("", { exclusive: true });
    await channel.consume(queue, { tag: "t" });
    await channel.sendConsume(queue, { tag: "t" });
    const close = await client.closed();
    equal(close.code, 530);
    equal(close.replyText, "NOT_ALLOWED - attempt to reuse consumer tag 't'");
  },
);

contractTest("an unknown type of exchange is refused", async (url, rabbit) => {
  await using client = await Client.connect(url);
  const channel = await client.channel();
  await channel.sendDeclareExchange("x", "strange");
  const close = rabbit.unknownExchangeTypeIsHard
    ? await client.closed()
    : await channel.closedWith();
  const [code, name] = rabbit.unknownExchangeTypeIsHard
    ? [503, "COMMAND_INVALID"]
    : [406, "PRECONDITION_FAILED"];
  equal(close.code, code);
  equal(close.replyText, `${name} - unknown exchange type 'strange'`);
});

contractTest("ANONYMOUS is guest, where it is offered", async (url, rabbit) => {
  if (!rabbit.mechanisms.includes("ANONYMOUS")) {
    await dropped(url, { mechanism: "ANONYMOUS" });
    return;
  }
  await using client = await Client.connect(url, { mechanism: "ANONYMOUS" });
  const channel = await client.channel();
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.publish("", queue, "x", { properties: { userId: "guest" } });
  equal((await channel.get(queue))?.text, "x");
});

contractTest("update-secret is acknowledged", async (url) => {
  await using client = await Client.connect(url);
  await client.send(0, 10, 70, (o) => o.longstr("guest").shortstr("why not"));
  await client.next("connection.update-secret-ok");
});

contractTest(
  "heartbeats go both ways, and a silent client is dropped",
  async (url) => {
    await using silent = await Client.connect(url, { heartbeat: 1 });
    await using alive = await Client.connect(url, { heartbeat: 1 });
    const beat = () => void alive.sendFrame(8, 0, new Uint8Array(0));
    const timer = setInterval(beat, 300);
    try {
      await silent.event((e) => e.name === "heartbeat", "heartbeat");
      await silent.ended();
    } finally {
      clearInterval(timer);
    }
    await alive.channel();
  },
);

contractTest(
  "an exclusive queue is locked for others and ends with its connection",
  async (url) => {
    await using other = await Client.connect(url);
    let channel = await other.channel();
    const client = await Client.connect(url);
    const { queue } = await (await client.channel()).declareQueue("", {
      exclusive: true,
    });
    match(queue, /^amq\.gen-[A-Za-z0-9_-]{22}$/);
    await channel.sendDeclareQueue(queue, { passive: true });
    equal(
      await channel.refused(),
      `RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '${queue}' in vhost '/'. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration.`,
    );
    await client.close();
    await client[Symbol.asyncDispose]();
    channel = await other.channel();
    await channel.sendDeclareQueue(queue, { passive: true });
    equal(
      await channel.refused(),
      `NOT_FOUND - no queue '${queue}' in vhost '/'`,
    );
  },
);

contractTest(
  "a connection is closed as often as that is asked",
  async (url) => {
    await using client = await Client.connect(url);
    // In one write, as by two threads of a client.
    for (let i = 0; i < 2; i++) {
      client.write(0, 10, 50, (o) => o.short(200).shortstr("").long(0));
    }
    await client.flush();
    for (let i = 0; i < 2; i++) await client.next("connection.close-ok");
  },
);
