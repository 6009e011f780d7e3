// Random requests: each is answered or dropped by the rules, on RabbitMQ, and
// the server stays up.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ServerEvent } from "../../src/mod.ts";
import { Client } from "../broker/support/client.ts";
import type { TestChannel } from "../broker/support/channel.ts";
import { connected } from "../rabbitmq/connected.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import { type FuzzedRequest, LIMITS, requests } from "./requests.ts";
import { serveHooks } from "../support/hooks.ts";

const END = "the end";
/** So many are written before the broker gets a turn. */
const BATCH = 50;

/** Sends all requests in order; they are in the queue then. */
async function sendAll(
  channel: TestChannel,
  queue: string,
  all: FuzzedRequest[],
): Promise<void> {
  for (const [n, { body, properties }] of all.entries()) {
    channel.writePublish("", queue, body, { properties });
    if (n % BATCH === BATCH - 1) await channel.client.flush();
  }
  await channel.client.flush();
  await channel.declareQueue(queue, { passive: true });
}

/** Replies by number: the bodies, or `error` for an error reply. */
async function replies(
  channel: TestChannel,
  callbacks: string[],
): Promise<Map<number, (Uint8Array | "error")[]>> {
  const found = new Map<number, (Uint8Array | "error")[]>();
  for (const name of callbacks) await channel.publish("", name, END);
  for (let ends = 0; ends < callbacks.length;) {
    const { body, properties, text } = await channel.next("basic.deliver");
    if (text === END) {
      ends++;
      continue;
    }
    const { correlationId, isError } = replyProperties(properties);
    const [, number] = /^request (\d+)$/.exec(correlationId) ?? [];
    if (number === undefined) continue;
    const n = Number(number);
    const before = found.get(n) ?? [];
    found.set(n, [...before, isError ? "error" : body]);
  }
  return found;
}

/** An error reply has a content type, and a type after the correlation id. */
function replyProperties(bytes: Uint8Array) {
  const flags = bytes[0]! << 8 | bytes[1]!;
  const texts: string[] = [];
  for (let at = 2; at < bytes.length;) {
    const end = at + 1 + bytes[at]!;
    texts.push(new TextDecoder().decode(bytes.subarray(at + 1, end)));
    at = end;
  }
  const isError = (flags & 0x8000) !== 0;
  const correlationId = flags & 0x400 ? texts[isError ? 1 : 0]! : "";
  return { isError, correlationId };
}

rabbitMqTest("10,000 random requests are answered or dropped", async () => {
  const { url } = await sharedRabbitMq();
  const queue = `fuzz-${crypto.randomUUID()}`;
  const shared = `shared-${crypto.randomUUID()}`;
  const events: ServerEvent[] = [];
  await using server = await connected(url);
  const serving = await server.rpc.serve(queue, (request) => {
    request.text();
    return request.bytes;
  }, serveHooks({ ...LIMITS, onEvent: (event) => events.push(event) }));
  const count = (type: ServerEvent["type"]) =>
    events.filter((event) => event.type === type).length;

  await using stranger = await Client.connect(url);
  const channel = await stranger.channel();
  const own = `own-${crypto.randomUUID()}`;
  await channel.declareQueue(own, { exclusive: true });
  const { queue: unnamed } = await channel.declareQueue("", {
    exclusive: true,
  });
  await channel.declareQueue(shared, { durable: true });
  const callbacks = [unnamed, own];
  for (const name of callbacks) await channel.consume(name, { noAck: true });

  const seed = Math.floor(Math.random() * 2 ** 31);
  const forbidden = [shared, queue];
  const arbitrary = requests({ callbacks, forbidden });
  const [all] = fc.sample(arbitrary, { numRuns: 1, seed });
  await sendAll(await stranger.channel(2), queue, all!);

  // Everything before it has been delivered when this is answered.
  const good = () => server.rpc.call(queue, "good", { timeoutMs: 60_000 });
  assert.equal((await good()).text(), "good", `seed ${seed}`);
  await waitUntil("all is dealt with", () => serving.inFlight === 0, 20_000);
  const found = await replies(channel, callbacks);
  for (const [n, { body, expected }] of all!.entries()) {
    const why = `request ${n}, seed ${seed}`;
    if (expected === "any") continue;
    const reply = expected === "echo" ? body : expected;
    assert.deepEqual(
      found.get(n) ?? [],
      reply === "nothing" ? [] : [reply],
      why,
    );
  }
  const dealt = count("answered") + count("request_dropped");
  const expirable = all!.filter(({ mayExpire }) => mayExpire).length;
  assert.ok(dealt <= all!.length + 1, `seed ${seed}`);
  assert.ok(dealt + expirable >= all!.length + 1, `seed ${seed}`);
  assert.equal(count("interrupted"), 0, `seed ${seed}`);
  for (const name of forbidden) {
    assert.equal(await channel.get(name), undefined, `seed ${seed}`);
  }
  // The two that exist are told of once each.
  assert.equal(count("reply_to_refused"), forbidden.length, `seed ${seed}`);
  assert.equal((await good()).text(), "good");
  await channel.deleteQueue(shared);
});
