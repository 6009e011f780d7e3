// Tests of src/amqp/connection.ts: its last words, and what no broker should
// say.

import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { connect, RpcError } from "../../src/mod.ts";
import { readValues } from "../../src/amqp091/values.ts";
import { readArguments } from "../../src/amqp091/arguments.ts";
import { decodeText, Reader } from "../../src/amqp091/reader.ts";
import type { ByteStream } from "../../src/amqp/streams/byte_stream.ts";
import {
  closing,
  concat,
  method,
  OPEN_OK,
  shortString,
  START,
  startPeer,
  type Talk,
  tune,
} from "../support/fake_peer.ts";
import { test, testNeeding } from "../support/needs.ts";
import { within } from "../support/within.ts";
import { connectHooks } from "../support/hooks.ts";

const CLOSE_OK = method(0, 10, 51);

function isLost(error: unknown): boolean {
  return error instanceof RpcError && error.reason === "connection_lost";
}

/** Answers the end of a connection. */
async function goodbye(talk: Talk): Promise<void> {
  await talk.hear(10, 50);
  await talk.send(CLOSE_OK);
}

test("a broker that closes the connection hears that we agree", async () => {
  const agreed = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  await using peer = startPeer(async (talk) => {
    await talk.handshake();
    await go.promise;
    await talk.send(closing(320, "CONNECTION_FORCED - é"));
    await talk.hear(10, 51);
    agreed.resolve();
  });
  await using rpc = await connect(peer.url);
  const call = rpc.call("q", "", { timeoutMs: 10_000 });
  go.resolve();
  await assert.rejects(call, (error: RpcError) => {
    assert.match(error.message, /CONNECTION_FORCED - é/);
    return isLost(error);
  });
  await within("our consent", agreed.promise);
});

test("a broker whose end of the stream takes no more is heard to its end", async () => {
  const words = concat(START, tune(), closing(530, "NOT_ALLOWED - no"));
  let closes = 0;
  let writes = 0;
  const dial = () => {
    const parts = [words];
    const stream: ByteStream = {
      async read(into) {
        // What was written last has failed by then.
        while (writes < 1) await new Promise((resolve) => setTimeout(resolve));
        const part = parts.shift();
        if (part === undefined) return null;
        into.set(part);
        return part.length;
      },
      write() {
        writes++;
        return Promise.reject(new Error("broken pipe"));
      },
      close: () => void closes++,
    };
    return Promise.resolve(stream);
  };
  await assert.rejects(
    connect("amqp://h", { dial }),
    (error: RpcError) => error.reason === "refused",
  );
  assert.deepEqual([writes > 0, closes], [true, 1]);
});

test("a write that fails is told where the broker says nothing", async () => {
  let closed = () => {};
  const dial = () =>
    Promise.resolve<ByteStream>({
      read: () => new Promise((resolve) => closed = () => resolve(null)),
      write: () => Promise.reject(new Error("broken pipe")),
      close: () => closed(),
    });
  await assert.rejects(connect("amqp://h", { dial }), /broken pipe/);
});

test("a frame size that no frame fits in is refused", async () => {
  for (const frameMax of [1, 7, 8, 9, 4095]) {
    await using peer = startPeer(async (talk) => {
      await talk.read(8);
      await talk.send(concat(START, tune(frameMax), OPEN_OK));
    });
    await assert.rejects(connect(peer.url), (error: RpcError) => {
      assert.match(error.message, new RegExp(`frames of ${frameMax} bytes`));
      return error.reason === "broker_unreachable";
    });
  }
});

test("a connection lost while channels are opened is told to all", async () => {
  await using peer = startPeer(async (talk) => {
    await talk.handshake();
    await talk.hear(20, 10);
    talk.close();
  });
  const rpc = await connect(peer.url);
  const calls = [1, 2, 3].map(() => rpc.call("q", "", { timeoutMs: 10_000 }));
  const inspecting = rpc.inspect("q");
  for (const each of [...calls, inspecting]) {
    await assert.rejects(within<unknown>("its end", each), isLost);
  }
  await within("the end", rpc.close());
});

test("a broker hears who connects", async () => {
  const heard = Promise.withResolvers<Uint8Array>();
  await using peer = startPeer(async (talk) => {
    const { startOk } = await talk.handshake();
    heard.resolve(startOk);
    await goodbye(talk);
  });
  const rpc = await connect(peer.url, { name: "orders" });
  await rpc.close();
  const { capabilities, ...said } = readValues(new Reader(await heard.promise));
  assert.deepEqual(said, {
    connection_name: "orders",
    product: "rabbit-rpc",
    version: manifest.version,
    platform: `Deno/${Deno.version.deno}`,
  });
  assert.deepEqual(capabilities, {
    authentication_failure_close: true,
    "basic.nack": true,
    "connection.blocked": true,
    consumer_cancel_notify: true,
    exchange_exchange_bindings: true,
    per_consumer_qos: true,
    publisher_confirms: true,
  });
});

test("who connects without a name has none", async () => {
  const heard = Promise.withResolvers<Uint8Array>();
  await using peer = startPeer(async (talk) => {
    const { startOk } = await talk.handshake();
    heard.resolve(startOk);
    await goodbye(talk);
  });
  const rpc = await connect(peer.url, { name: "" });
  await rpc.close();
  const said = readValues(new Reader(await heard.promise));
  assert.equal("connection_name" in said, false);
});

testNeeding(
  "a connection that is lost at once leaves no timer behind",
  { needs: [], sanitizeOps: true, sanitizeResources: true },
  async () => {
    await using peer = startPeer(async (talk) => {
      await talk.read(8);
      // In one read with its end.
      await talk.send(concat(START, tune(), OPEN_OK, closing(320, "gone")));
    });
    const lost = Promise.withResolvers<void>();
    const rpc = await connect(
      peer.url,
      connectHooks({
        password: () => "guest",
        passwordPollMs: 10_000,
        onEvent: ({ type }) => {
          if (type === "lost") lost.resolve();
        },
      }),
    );
    await within("the loss", lost.promise);
    await rpc.close();
  },
);

test("a new password is told as UTF-8", async () => {
  const told = Promise.withResolvers<string>();
  const passwords = ["old", "nèw"];
  await using peer = startPeer(async (talk) => {
    await talk.handshake();
    const payload = await talk.hear(10, 70);
    const args = readArguments(
      "connection.update-secret",
      new Reader(payload),
    );
    told.resolve(decodeText(args.newSecret));
    await talk.send(method(0, 10, 71));
    await goodbye(talk);
  });
  const updated = Promise.withResolvers<void>();
  const rpc = await connect(
    peer.url,
    connectHooks({
      password: () => passwords.length > 1 ? passwords.shift()! : passwords[0]!,
      passwordPollMs: 10,
      onEvent: ({ type }) => {
        if (type === "secret_updated") updated.resolve();
      },
    }),
  );
  assert.equal(await within("the password", told.promise), "nèw");
  await within("the answer", updated.promise);
  await rpc.close();
});

test("why a broker blocks is text", async () => {
  await using peer = startPeer(async (talk) => {
    await talk.handshake();
    await talk.send(method(0, 10, 60, shortString("low on mémoire")));
    await goodbye(talk);
  });
  const blocked = Promise.withResolvers<string>();
  const rpc = await connect(
    peer.url,
    connectHooks({
      onEvent: (event) => {
        if (event.type === "blocked") blocked.resolve(event.reason);
      },
    }),
  );
  assert.equal(await within("it", blocked.promise), "low on mémoire");
  await rpc.close();
});
