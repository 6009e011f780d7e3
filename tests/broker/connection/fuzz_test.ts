// Malformed input: whatever one client sends, the broker goes on serving the
// others.

import { slowTest, test } from "../../support/needs.ts";
import { equal, notEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { startBroker } from "../../../src/broker/broker.ts";
import { Writer } from "../../../src/amqp091/writer.ts";
import { Client } from "../support/client.ts";

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const channel = fc.constantFrom(0, 1, 1, 1, 2, 65_535);
const methods = [
  [10, 11],
  [10, 21],
  [10, 31],
  [10, 40],
  [10, 50],
  [10, 51],
  [10, 70],
  [20, 10],
  [20, 20],
  [20, 40],
  [20, 41],
  [30, 10],
  [40, 10],
  [40, 20],
  [40, 30],
  [40, 40],
  [50, 10],
  [50, 20],
  [50, 30],
  [50, 40],
  [50, 50],
  [60, 10],
  [60, 20],
  [60, 30],
  [60, 40],
  [60, 70],
  [60, 80],
  [60, 90],
  [60, 100],
  [60, 110],
  [60, 120],
  [85, 10],
  [90, 10],
  [90, 20],
  [90, 30],
  [60, 60],
  [99, 99],
];

function frame(type: number, number: number, payload: Uint8Array): Uint8Array {
  const out = new Writer();
  out.octet(type).short(number).long(payload.length).raw(payload);
  return out.octet(0xce).take();
}

/** The name of a queue, an exchange or a key, as its short string. */
const name = fc.constantFrom(
  "",
  "fuzz",
  "amq.topic",
  "amq.headers",
  "amq.rabbitmq.reply-to",
);

/** A method with arguments that begin as they should, more or less. */
const method = fc.tuple(
  fc.constantFrom(...methods),
  channel,
  fc.array(name, { maxLength: 3 }),
  bytes(60),
).map(([[classId, id], number, names, rest]) => {
  const out = new Writer();
  out.short(classId).short(id);
  if (classId >= 40 && classId <= 60) out.short(0);
  for (const each of names) out.shortstr(each);
  out.raw(rest);
  return frame(1, number, out.take());
});

/** A publish whose header is malformed, or does not tell the truth. */
const publish = fc.tuple(channel, name, bytes(80), fc.nat(200), bytes(120)).map(
  ([number, key, properties, size, body]) => {
    const out = new Writer();
    out.method(number, 60 << 16 | 40).short(0).shortstr("").shortstr(key);
    out.octet(0).end();
    const head = new Writer();
    head.short(60).short(0).longlong(size).raw(properties);
    out.raw(frame(2, number, head.take()));
    out.raw(frame(3, number, body));
    return out.take();
  },
);

const anyFrame = fc.tuple(
  fc.constantFrom(1, 2, 3, 8, 9, 255),
  channel,
  bytes(100),
)
  .map(([type, number, payload]) => frame(type, number, payload));

const input = fc.oneof(
  { weight: 6, arbitrary: method },
  { weight: 4, arbitrary: publish },
  { weight: 2, arbitrary: anyFrame },
  { weight: 1, arbitrary: bytes(200) },
);

/** Sends one malformed input and waits until the broker has dealt with it. */
async function attack(
  url: string,
  shaken: boolean,
  data: Uint8Array[],
): Promise<void> {
  await using client = shaken
    ? await Client.connect(url)
    : await Client.dial(url);
  if (shaken) {
    const first = await client.channel();
    await first.sendDeclareQueue("fuzz");
  }
  try {
    for (const each of data) await client.sendBytes(each);
    await client.conn.closeWrite();
  } catch {
    // The broker has closed the connection, as it may.
  }
  await client.ended();
  const { code } = (client.peek("connection.close")?.args ?? {}) as {
    code?: number;
  };
  notEqual(code, 541, "the broker itself failed");
}

/** One in ten attacks the handshake. */
const assault = fc.tuple(
  fc.nat(9),
  fc.array(input, { minLength: 1, maxLength: 5 }),
);

test("the broker survives 500 malformed inputs", () => survives(500));
slowTest("the broker survives 10,000 malformed inputs", () => survives(10_000));

async function survives(numRuns: number): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const assaults = fc.sample(assault, { numRuns, seed });
  await using broker = await startBroker();
  await using witness = await Client.connect(broker.url);
  const calm = await witness.channel();
  const { queue } = await calm.declareQueue("", { exclusive: true });
  await calm.consume(queue, { noAck: true });
  let survived = 0;
  let served = 0;
  const attacker = async () => {
    for (let next = assaults.pop(); next; next = assaults.pop()) {
      await attack(broker.url, next[0] > 0, next[1]);
      survived++;
    }
  };
  const attackers = Promise.all(Array.from({ length: 8 }, attacker));
  while (survived < numRuns) {
    await calm.publish("", queue, `${served}`);
    const answer = calm.next("basic.deliver");
    equal(
      (await Promise.race([answer, attackers.then(() => answer)])).text,
      `${served++}`,
    );
  }
  await attackers;
  ok(
    served > numRuns / 100,
    `only ${served} messages were served meanwhile (seed ${seed})`,
  );
}
