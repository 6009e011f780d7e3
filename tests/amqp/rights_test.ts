// A server that may not look at its queue, as on RabbitMQ 4.2.6 and 4.3.0 with
// no more than the permission to read.

import assert from "node:assert/strict";
import { connectSettings } from "../../src/amqp/options.ts";
import { AmqpTransport } from "../../src/amqp/transport.ts";
import { RpcServer } from "../../src/rpc/serving/server.ts";
import {
  concat,
  long,
  method,
  type Peer,
  short,
  shortString,
  startPeer,
  type Talk,
} from "../support/fake_peer.ts";
import { within } from "../support/within.ts";

function closed(channel: number, code: number, text: string): Uint8Array {
  const where = concat(short(0), short(0));
  return method(channel, 20, 40, short(code), shortString(text), where);
}

function isClose(frame: Uint8Array): boolean {
  return frame[8] === 20 && frame[10] === 40;
}

const REFUSED = "ACCESS_REFUSED - configure access to queue 'q' in vhost '/' " +
  "refused for user 'guest'";

/** What the peer says to a method, by class and method. */
type Answers = Record<string, (channel: number) => Uint8Array>;

const ANSWERS: Answers = {
  "20.10": (channel) => method(channel, 20, 11, long(0)),
  "20.40": (channel) => method(channel, 20, 41),
  "50.10": (channel) => closed(channel, 403, REFUSED),
  "60.10": (channel) => method(channel, 60, 11),
  "60.20": (channel) => method(channel, 60, 21, shortString("rpc")),
  "85.10": (channel) => method(channel, 85, 11),
  "10.50": () => method(0, 10, 51),
};

/** A broker that refuses to declare queues, passively or not. */
function refusing(answers: Answers = {}): Peer {
  return startPeer(async (talk: Talk) => {
    await talk.handshake();
    // What is asked over a channel that is being closed is passed over.
    const closing = new Set<number>();
    while (true) {
      const { type, channel, payload } = await talk.frame();
      if (type !== 1) continue;
      const view = new DataView(payload.buffer, payload.byteOffset);
      const name = `${view.getUint16(0)}.${view.getUint16(2)}`;
      if (name === "20.41") closing.delete(channel);
      const answer = { ...ANSWERS, ...answers }[name]?.(channel);
      if (answer === undefined || closing.has(channel)) continue;
      if (isClose(answer)) closing.add(channel);
      await talk.send(answer);
    }
  });
}

Deno.test("a server that may only consume its queue does so", async () => {
  await using peer = refusing();
  await using transport = new AmqpTransport(connectSettings(peer.url));
  await using server = new RpcServer(transport, "q", () => "");
  await within("consuming", server.ready);
});

Deno.test("and waits for it where it is missing", async () => {
  await using peer = refusing({
    "60.20": (channel) =>
      closed(channel, 404, "NOT_FOUND - no queue 'q' in vhost '/'"),
  });
  await using transport = new AmqpTransport(connectSettings(peer.url));
  const interrupted = Promise.withResolvers<string>();
  await using _server = new RpcServer(transport, "q", () => "", {
    onEvent: (event) => {
      if (event.type !== "interrupted") return;
      assert.equal(event.error.reason, "no_queue");
      interrupted.resolve(event.error.message);
    },
  });
  assert.equal(
    await within("an interruption", interrupted.promise),
    'there is no queue "q" yet',
  );
});
