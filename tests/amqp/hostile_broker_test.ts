// What no broker should say once it is logged in: it hears why the connection
// ends, and nobody waits for it.

import assert from "node:assert/strict";
import { readArguments } from "../../src/amqp091/arguments.ts";
import { Reader } from "../../src/amqp091/reader.ts";
import { memoryStreams } from "../../src/amqp/streams/memory.ts";
import type { ByteStream } from "../../src/amqp/streams/byte_stream.ts";
import { connect, type RpcConnection, type RpcError } from "../../src/mod.ts";
import {
  closing,
  concat,
  frame,
  long,
  longString,
  method,
  OPEN_OK,
  short,
  shortString,
  START,
  startPeer,
  text,
  tune,
} from "../support/fake_peer.ts";
import { test } from "../support/needs.ts";
import { within } from "../support/within.ts";

const CLOSE_OK = method(0, 10, 51);
const [FRAME_ERROR, SYNTAX_ERROR, COMMAND_INVALID] = [501, 502, 503];
const [CHANNEL_ERROR, UNEXPECTED_FRAME, NOT_IMPLEMENTED] = [504, 505, 540];
const NO_METHOD = [0, 0];
const NO_PAYLOAD = new Uint8Array(0);

const opened = method(1, 20, 11, long(0));
const longlong = (value: number) => concat(long(0), long(value));
const delivered = method(
  1,
  60,
  60,
  shortString("t"),
  longlong(1),
  Uint8Array.of(0),
  shortString(""),
  shortString("q"),
);
const header = (classId: number, size: Uint8Array) =>
  frame(2, 1, concat(short(classId), short(0), size, short(0)));

/** What comes, the reply code that it is answered with, and the method named. */
type Hostile = [
  what: string,
  bytes: Uint8Array,
  replyCode: number,
  method?: number[],
];

const HOSTILE: Hostile[] = [
  [
    "a frame of a channel that is not open",
    method(9, 60, 11),
    CHANNEL_ERROR,
    [60, 11],
  ],
  [
    "content on the connection's own channel",
    frame(3, 0, new Uint8Array(9)),
    UNEXPECTED_FRAME,
  ],
  ["a type of frame that is none", frame(99, 0, NO_PAYLOAD), FRAME_ERROR],
  [
    "a type of frame that is none, on a channel",
    concat(opened, frame(99, 1, NO_PAYLOAD)),
    FRAME_ERROR,
  ],
  [
    "a client's method",
    method(0, 10, 31, short(0), long(0), short(0)),
    NOT_IMPLEMENTED,
    [10, 31],
  ],
  [
    "a method of a channel",
    method(0, 20, 11, long(0)),
    COMMAND_INVALID,
    [20, 11],
  ],
  ["an unknown method", method(0, 99, 99), NOT_IMPLEMENTED, [99, 99]],
  ["a frame too short for a method", frame(1, 0, short(10)), SYNTAX_ERROR],
  ["a second handshake", START, COMMAND_INVALID, [10, 10]],
  ["a second answer", OPEN_OK, COMMAND_INVALID, [10, 41]],
  [
    "a table that is cut off",
    method(
      0,
      10,
      10,
      Uint8Array.of(0, 9),
      long(1000),
      shortString("a"),
      text("S"),
      longString("b"),
    ),
    SYNTAX_ERROR,
    [10, 10],
  ],
  [
    "a size of 0xFFFFFFF8",
    Uint8Array.of(1, 0, 0, 0xff, 0xff, 0xff, 0xf8),
    FRAME_ERROR,
  ],
  ["a bad end of a frame", frame(8, 0, NO_PAYLOAD, 0x0c), FRAME_ERROR],
  [
    "a heartbeat on a channel that is not open",
    frame(8, 9, NO_PAYLOAD),
    CHANNEL_ERROR,
  ],
  [
    "a heartbeat on a channel",
    concat(opened, frame(8, 1, NO_PAYLOAD)),
    UNEXPECTED_FRAME,
  ],
  [
    "content without a method",
    concat(opened, header(60, longlong(1))),
    UNEXPECTED_FRAME,
  ],
  [
    "a body without a header",
    concat(opened, delivered, frame(3, 1, new Uint8Array(9))),
    UNEXPECTED_FRAME,
  ],
  [
    "a method within a message",
    concat(opened, delivered, opened),
    UNEXPECTED_FRAME,
    [20, 11],
  ],
  [
    "content of another class",
    concat(opened, delivered, header(10, longlong(1))),
    SYNTAX_ERROR,
  ],
  [
    "a message of 2^56 bytes",
    concat(opened, delivered, header(60, concat(long(1 << 24), long(0)))),
    FRAME_ERROR,
  ],
  [
    "more content than was announced",
    concat(
      opened,
      delivered,
      header(60, longlong(1)),
      frame(3, 1, new Uint8Array(9)),
    ),
    FRAME_ERROR,
  ],
  [
    "a delivery that is cut off",
    concat(opened, method(1, 60, 60, Uint8Array.of(200))),
    SYNTAX_ERROR,
    [60, 60],
  ],
];

/** Calls while the bytes come; the call fails, and the connection with it. */
async function isLost(rpc: RpcConnection, go: () => void): Promise<void> {
  const call = rpc.call("q", "", { timeoutMs: 10_000 });
  go();
  await assert.rejects(
    within<unknown>("the call's end", call),
    (error: RpcError) => error.reason === "connection_lost",
  );
}

for (const [what, bytes, replyCode, blamed = NO_METHOD] of HOSTILE) {
  test(`a broker hears what was wrong: ${what}`, async () => {
    const go = Promise.withResolvers<void>();
    const heard = Promise.withResolvers<Uint8Array>();
    const left = Promise.withResolvers<void>();
    await using peer = startPeer(async (talk) => {
      await talk.handshake();
      await talk.hear(20, 10);
      await go.promise;
      await talk.send(bytes);
      heard.resolve(await talk.hear(10, 50));
      await talk.send(CLOSE_OK);
      await assert.rejects(talk.frame());
      left.resolve();
    });
    await using rpc = await connect(peer.url);
    await isLost(rpc, go.resolve);
    const payload = await within("the reason", heard.promise);
    const said = readArguments("connection.close", new Reader(payload));
    assert.equal(said.replyCode, replyCode, said.replyText);
    assert.deepEqual([said.classId, said.methodId], blamed);
    await within("our end", left.promise);
  });
}

test("a close-ok that nobody asked for ends the connection", async () => {
  const go = Promise.withResolvers<void>();
  await using peer = startPeer(async (talk) => {
    await talk.handshake();
    await go.promise;
    await talk.send(CLOSE_OK);
  });
  await using rpc = await connect(peer.url);
  await isLost(rpc, go.resolve);
});

/** A broker, and when both ends of its stream are done. */
interface Watched {
  readonly dial: () => Promise<ByteStream>;
  readonly ended: Promise<unknown>;
}

/** A broker that follows this script. */
function watched(script: (end: ByteStream) => Promise<void>): Watched {
  const [ours, theirs] = memoryStreams();
  const closed = Promise.withResolvers<void>();
  const stream: ByteStream = {
    read: ours.read.bind(ours),
    write: ours.write.bind(ours),
    close: () => {
      closed.resolve();
      ours.close();
    },
  };
  const ended = Promise.all([script(theirs), closed.promise]);
  return { dial: () => Promise.resolve(stream), ended };
}

/** Logs the client in, and sends what is no frame. */
async function logInAndOffend(end: ByteStream): Promise<void> {
  const bytes = new Uint8Array(65_536);
  await end.read(bytes);
  await end.write(START);
  await end.read(bytes);
  await end.write(concat(tune(), OPEN_OK));
  await end.read(bytes);
  await end.write(frame(8, 0, NO_PAYLOAD, 0x0c));
}

test("a broker that reads no more is not waited for", async () => {
  const { dial, ended } = watched(logInAndOffend);
  const rpc = await connect("amqp://h", { dial });
  await isLost(rpc, () => {});
  await within("our end", ended, 5_000);
  await rpc.close();
});

test("a broker that goes on without an answer is not listened to for long", async () => {
  const { dial, ended } = watched(async (end) => {
    await logInAndOffend(end);
    void (async () => {
      const bytes = new Uint8Array(65_536);
      while (await end.read(bytes) !== null);
    })();
    const more = async () => {
      while (true) {
        await end.write(closing(320, "CONNECTION_FORCED"));
        await new Promise((resolve) => setTimeout(resolve));
      }
    };
    await assert.rejects(more());
  });
  const rpc = await connect("amqp://h", { dial });
  await isLost(rpc, () => {});
  await within("our end", ended, 5_000);
  await rpc.close();
});
