// Tests of src/amqp/channel.ts and channels.ts: answers in their order, closes
// that cross, and what no broker should send.

import assert from "node:assert/strict";
import fc from "fast-check";
import { AmqpError } from "../../src/amqp091/errors.ts";
import { METHODS } from "../../src/amqp091/methods.ts";
import type { Channel } from "../../src/amqp/channel.ts";
import {
  type ClosedByBroker,
  replyCodeOf,
} from "../../src/amqp/closed_by_broker.ts";
import type { Delivery } from "../../src/rpc/transport.ts";
import { concat, frame, long, short } from "../support/fake_peer.ts";
import { turns } from "../support/within.ts";
import { Feed, methodFrame } from "./support/channels.ts";

const NO_PROPERTIES = 0;

/** A header frame. */
function header(size: number, classId = 60): Uint8Array {
  const fields = [short(classId), short(0), long(0), long(size)];
  return frame(2, 1, concat(...fields, short(NO_PROPERTIES)));
}

function body(...bytes: number[]): Uint8Array {
  return frame(3, 1, Uint8Array.from(bytes));
}

const deliver = methodFrame("basic.deliver", { deliveryTag: 1 });

async function opened(): Promise<{ feed: Feed; channel: Channel }> {
  const feed = new Feed();
  const channel = await feed.open();
  feed.sent.length = 0;
  return { feed, channel };
}

Deno.test("answers belong to questions in their order", async () => {
  const { feed, channel } = await opened();
  const answers = Promise.all([
    channel.request("queue.declare", { queue: "a" }),
    channel.request("queue.declare", { queue: "b" }),
    channel.request("basic.qos", { prefetchCount: 9 }),
  ]);
  const said = await feed.said();
  assert.deepEqual(said, ["queue.declare 1", "queue.declare 1", "basic.qos 1"]);
  feed.answer("queue.declare-ok", { queue: "a", messageCount: 1 });
  feed.answer("queue.declare-ok", { queue: "b", consumerCount: 2 });
  feed.answer("basic.qos-ok");
  assert.deepEqual(await answers, [
    { queue: "a", messageCount: 1, consumerCount: 0 },
    { queue: "b", messageCount: 0, consumerCount: 2 },
    {},
  ]);
});

Deno.test("the broker closes a channel, and all that is asked fails with its words", async () => {
  const { feed, channel } = await opened();
  const closed: Error[] = [];
  channel.handlers = { onClosed: (error) => closed.push(error) };
  const asked = [
    channel.request("queue.declare", { queue: "a", passive: true }),
    channel.request("basic.qos"),
  ];
  feed.answer("channel.close", { replyCode: 404, replyText: "NOT_FOUND - a" });
  for (const { reason } of await Promise.allSettled(asked) as never[]) {
    assert.equal(replyCodeOf(reason), 404);
  }
  assert.equal(closed.length, 1);
  assert.equal((closed[0] as ClosedByBroker).replyText, "NOT_FOUND - a");
  assert.equal(channel.closed, true);
  await assert.rejects(channel.request("basic.qos"), /NOT_FOUND/);
  await channel.close();
  assert.deepEqual((await feed.said()).at(-1), "channel.close-ok 1");
});

Deno.test("a close that crosses the broker's own is over when both are answered", async () => {
  const { feed, channel } = await opened();
  const closing = channel.close();
  feed.answer("channel.close", { replyCode: 406, replyText: "PRECONDITION" });
  await closing;
  const said = await feed.said();
  assert.deepEqual(said, ["channel.close 1", "channel.close-ok 1"]);
  // RabbitMQ answers ours as well, though it was closing the channel.
  feed.answer("channel.close-ok");

  // And the same when the number is somebody else's already.
  const second = await feed.open();
  assert.equal(second.id, 1);
  const again = second.close();
  feed.answer("channel.close", { replyCode: 406 });
  await again;
  const third = feed.channels.open((channel) => Promise.resolve(channel));
  feed.answer("channel.close-ok");
  feed.answer("channel.open-ok");
  assert.equal((await third).closed, false);
});

Deno.test("a close that crossed is agreed to before the number is free again", async () => {
  const { feed, channel } = await opened();
  // As where confirms are awaited before a close is agreed to.
  const settled = Promise.withResolvers<void>();
  channel.handlers = { onClosing: () => settled.promise };
  const closing = channel.close();
  feed.answer("channel.close", { replyCode: 406, replyText: "PRECONDITION" });
  // A broker that answers ours waits for the answer to its own all the same.
  feed.answer("channel.close-ok");
  await closing;
  const again = feed.channels.open((channel) => Promise.resolve(channel));
  feed.answer("channel.open-ok");
  await again;
  settled.resolve();
  assert.deepEqual(
    await feed.said(),
    ["channel.close 1", "channel.close-ok 1", "channel.open 1"],
  );
});

Deno.test("a channel that is closed twice is closed, and no other is", async () => {
  const { feed, channel } = await opened();
  const why = { replyCode: 403, replyText: "ACCESS_REFUSED" };
  // RabbitMQ looks for the queue that was declared last before it looks whether
  // it has closed the channel.
  const again = { replyCode: 404, replyText: "no previously declared queue" };
  const asked = [
    channel.request("queue.declare"),
    channel.request("basic.consume"),
  ];
  feed.answer("channel.close", why);
  feed.answer("channel.close", again);
  for (const each of asked) await assert.rejects(each, /ACCESS_REFUSED/);
  assert.equal((await feed.said()).at(-1), "channel.close-ok 1");
  const opening = feed.channels.open((channel) => Promise.resolve(channel));
  assert.deepEqual(await feed.said(), ["channel.open 1"]);
  feed.answer("channel.close", again);
  feed.answer("channel.open-ok");
  assert.equal((await opening).closed, false);
  assert.deepEqual(await feed.said(), []);
});

Deno.test("deliveries that cross our close are dropped", async () => {
  const { feed, channel } = await opened();
  const deliveries: Delivery[] = [];
  channel.handlers = { onDelivery: (it) => deliveries.push(it) };
  feed.bytes(concat(deliver, header(2), body(1)));
  const closing = channel.close();
  feed.bytes(body(2));
  feed.bytes(concat(deliver, header(0)));
  feed.answer("channel.close-ok");
  await closing;
  assert.deepEqual(deliveries, []);
  assert.throws(() => feed.bytes(deliver), /channel 1, which is not open/);
});

Deno.test("what is asked before a close is answered before it", async () => {
  const { feed, channel } = await opened();
  const declaring = channel.request("queue.declare");
  const closing = channel.close();
  assert.equal(channel.closed, true);
  await assert.rejects(channel.request("basic.qos"), /the channel was closed/);
  feed.answer("queue.declare-ok", { queue: "amq.gen-1" });
  assert.equal((await declaring).queue, "amq.gen-1");
  feed.answer("channel.close-ok");
  await closing;
  await channel.close();
});

Deno.test("a number is used again once the channel is closed, not before", async () => {
  const { feed, channel } = await opened();
  const closing = channel.close();
  const other = await feed.open();
  assert.equal(other.id, 2);
  feed.answer("channel.close-ok");
  await closing;
  assert.equal((await feed.open()).id, 1);
  feed.answer("channel.close", { replyCode: 404 }, 2);
  assert.equal((await feed.open()).id, 2);
});

Deno.test("the end of the connection is the end of all that is asked", async () => {
  const feed = new Feed();
  feed.channels.limit = 2;
  const channel = await feed.open();
  const opening = feed.channels.open((it) => it.request("basic.qos"));
  const waiting = feed.channels.open(() => Promise.resolve());
  const asked = channel.request("basic.qos");
  const closing = channel.close();
  const gone = new Error("gone");
  feed.channels.lost(gone);
  for (const each of [opening, waiting, asked]) {
    await assert.rejects(each, gone);
  }
  await closing;
  await assert.rejects(channel.request("basic.qos"), gone);
  await assert.rejects(feed.channels.open(() => Promise.resolve()), gone);
});

Deno.test("a close is agreed to after what it is to wait for, confirms included", async () => {
  const { feed, channel } = await opened();
  const settled = Promise.withResolvers<void>();
  const heard: unknown[] = [];
  channel.handlers = {
    onClosing: (...why) => {
      heard.push(why);
      return settled.promise;
    },
    onConfirm: (...confirm) => heard.push(confirm),
    onClosed: (error) => heard.push(replyCodeOf(error)),
  };
  feed.answer("channel.close", { replyCode: 406, replyText: "too large" });
  feed.answer("basic.ack", { deliveryTag: 1 });
  assert.deepEqual(await feed.said(), []);
  settled.resolve();
  assert.deepEqual(await feed.said(), ["channel.close-ok 1"]);
  assert.deepEqual(heard, [[406, "too large"], [1, false, true], 406]);
});

Deno.test("a consumer that the broker cancels is told; the channel lives", async () => {
  const { feed, channel } = await opened();
  let canceled = 0;
  channel.handlers = { onCanceled: () => canceled++ };
  feed.answer("basic.cancel", { consumerTag: "rpc", noWait: true });
  assert.equal(canceled, 1);
  assert.equal(channel.closed, false);
});

Deno.test("a broker's flow is answered", async () => {
  const { feed } = await opened();
  feed.answer("channel.flow", { active: false });
  await turns();
  assert.deepEqual(feed.sent, [{
    channel: 1,
    name: "channel.flow-ok",
    args: { active: false },
  }]);
});

/** What no broker should send, on a channel that is open. */
const HOSTILE: [string, Uint8Array, RegExp][] = [
  ["content that was not announced", header(0), /UNEXPECTED_FRAME/],
  ["a body that was not announced", body(1), /UNEXPECTED_FRAME/],
  ["a body before its header", concat(deliver, body(1)), /UNEXPECTED_FRAME/],
  [
    "a second header",
    concat(deliver, header(2), header(2)),
    /UNEXPECTED_FRAME/,
  ],
  [
    "a method within a message",
    concat(deliver, header(2), deliver),
    /UNEXPECTED_FRAME/,
  ],
  [
    "another type of frame within a message",
    concat(deliver, header(2), frame(8, 1, new Uint8Array(2))),
    /FRAME/,
  ],
  ["a frame of no known type", frame(77, 1, new Uint8Array(2)), /FRAME/],
  ["content of a wrong class", concat(deliver, header(1, 61)), /class 61/],
  [
    "more body than announced",
    concat(deliver, header(2), body(1, 2, 3)),
    /more content than was announced/,
  ],
  [
    "a little more body than announced",
    concat(deliver, header(2), body(1), body(2, 3)),
    /more content than was announced/,
  ],
  [
    "a body that no memory holds",
    concat(
      deliver,
      frame(2, 1, concat(short(60), short(0), long(2 ** 32 - 1), long(0))),
    ),
    /content of 18446744069414584000 bytes/,
  ],
  ["an answer that nobody awaits", methodFrame("basic.qos-ok"), /nobody/],
  ["a client's method", methodFrame("queue.declare"), /unknown method/],
  [
    "a method of the connection",
    methodFrame("connection.tune"),
    /COMMAND_INVALID/,
  ],
  [
    "a method that is cut",
    frame(1, 1, Uint8Array.of(0, 60, 0, 60, 9)),
    /truncated/,
  ],
  ["a frame without a method", frame(1, 1, new Uint8Array(3)), /truncated/],
  [
    "a method for a channel that is not open",
    methodFrame("basic.qos-ok", {}, 2),
    /channel 2, which is not open/,
  ],
  [
    "a message for a channel that is not open",
    methodFrame("basic.deliver", {}, 65_535),
    /channel 65535, which is not open/,
  ],
];

for (const [what, bytes, message] of HOSTILE) {
  Deno.test(`an error, and no loop: ${what}`, async () => {
    const { feed, channel } = await opened();
    const deliveries: Delivery[] = [];
    channel.handlers = { onDelivery: (it) => deliveries.push(it) };
    assert.throws(() => feed.bytes(bytes), message);
    assert.deepEqual(deliveries, []);
  });
}

Deno.test("any frames at all are understood or an error", async () => {
  const ids = Object.values(METHODS).map(({ id }) => id);
  const random = fc.uint8Array({ maxLength: 40 });
  const payload = fc.oneof(
    random,
    fc.tuple(fc.constantFrom(...ids), random)
      .map(([id, bytes]) => concat(long(id), bytes)),
    // Headers of small messages, whose properties may be anything.
    fc.tuple(fc.nat(50), random)
      .map(([size, bytes]) =>
        concat(short(60), short(0), long(0), long(size), bytes)
      ),
  );
  const frames = fc.array(
    fc.record({ type: fc.constantFrom(1, 1, 2, 3, 8), payload }),
    { minLength: 1 },
  );
  await fc.assert(
    fc.asyncProperty(frames, async (frames) => {
      const { feed, channel } = await opened();
      const handlers = { onDelivery() {}, onReturn() {}, onConfirm() {} };
      channel.handlers = handlers;
      channel.request("queue.declare").catch(() => {});
      channel.request("basic.consume").catch(() => {});
      try {
        for (const { type, payload } of frames) {
          if (type === 2) feed.bytes(deliver);
          feed.bytes(frame(type, 1, payload));
        }
      } catch (error) {
        assert.ok(error instanceof AmqpError, String(error));
      }
      await feed.said();
    }),
    { numRuns: 500 },
  );
});
