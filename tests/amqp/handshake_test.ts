// Tests of connecting to what is no broker, or a broken one. No real broker
// does any of this on demand.

import { test } from "../support/needs.ts";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { connect } from "../../src/amqp/connect.ts";
import type { ConnectOptions } from "../../src/amqp/options.ts";
import { RpcError } from "../../src/rpc/errors.ts";
import {
  closing,
  concat,
  frame,
  long,
  method,
  OPEN_OK,
  short,
  shortString,
  START,
  startPeer,
  type Talk,
  text,
  tune,
} from "../support/fake_peer.ts";
import { freePort } from "../support/ports.ts";
import { within } from "../support/within.ts";
import { connectHooks } from "../support/hooks.ts";

const nothing = () => Promise.resolve();

/** The error that connecting to such a peer ends in. */
async function failure(
  script: (talk: Talk) => Promise<void>,
  options: ConnectOptions = {},
): Promise<RpcError> {
  await using peer = startPeer(script);
  return await failureAt(peer.url, options);
}

async function failureAt(
  url: string | string[],
  options: ConnectOptions = {},
): Promise<RpcError> {
  const connecting = connect(url, { connectTimeoutMs: 4_000, ...options });
  const [outcome] = await within("the end", Promise.allSettled([connecting]));
  if (outcome.status === "fulfilled") await outcome.value.close();
  // Deno 2.4 closes a socket in a timer's turn of its own.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(outcome.status, "rejected", "connected to a broken peer");
  assert.ok(outcome.reason instanceof RpcError, String(outcome.reason));
  return outcome.reason;
}

const strangers: [string, Uint8Array, string, RegExp][] = [
  [
    "random bytes",
    Uint8Array.of(7, 0, 255, 3, 9),
    "not_amqp",
    /not speak AMQP/,
  ],
  [
    "an HTTP answer",
    text("HTTP/1.1 400 Bad Request\r\n\r\n"),
    "not_amqp",
    /AMQP 0-9-1/,
  ],
  [
    "another version of AMQP",
    concat(text("AMQP"), Uint8Array.of(0, 1, 0, 0)),
    "not_amqp",
    /AMQP 0-9-1/,
  ],
  ["an SSH banner", text("SSH-2.0-x\r\n"), "not_amqp", /AMQP 0-9-1/],
  [
    "a TLS alert",
    Uint8Array.of(21, 3, 3, 0, 2, 2, 10),
    "tls_required",
    /speaks TLS/,
  ],
];

for (const [what, bytes, reason, message] of strangers) {
  test(`what answers is no broker: ${what}`, async () => {
    const error = await failure((talk) => talk.send(bytes));
    assert.deepEqual([error.code, error.reason], ["unavailable", reason]);
    assert.match(error.message, message);
    assert.match(error.message, /127\.0\.0\.1:\d+/);
  });
}

test("a TLS alert that comes in two reads is a TLS alert", async () => {
  const error = await failure(async (talk) => {
    await talk.send(Uint8Array.of(21));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await talk.send(Uint8Array.of(3, 3, 0, 2, 2, 10));
  });
  assert.equal(error.reason, "tls_required");
});

test("a single byte, and then the end, is no AMQP", async () => {
  const error = await failure(async (talk) => {
    await talk.send(Uint8Array.of(72));
    talk.close();
  });
  assert.equal(error.reason, "not_amqp");
});

const silences: [string, (talk: Talk) => Promise<void>][] = [
  ["after accept", nothing],
  ["after the start", async (talk) => {
    await talk.read(8);
    await talk.send(START);
  }],
  ["after the login", async (talk) => {
    await talk.read(8);
    await talk.send(START);
    await talk.hear(10, 11);
    await talk.send(tune());
  }],
  ["in the middle of a frame", (talk) => talk.send(START.subarray(0, 9))],
  ["but for heartbeats", async (talk) => {
    await talk.send(START);
    while (true) {
      await talk.send(frame(8, 0, new Uint8Array(0)));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }],
];

for (const [when, script] of silences) {
  test(`silence ${when} ends with the connect time-out`, async () => {
    const error = await failure(script, { connectTimeoutMs: 150 });
    assert.equal(error.code, "unavailable");
    assert.equal(error.reason, "broker_unreachable");
    assert.match(error.message, /\(no answer within 150ms\)/);
  });
}

const partings: [string, (talk: Talk) => Promise<void>][] = [
  ["at once", (talk) => Promise.resolve(talk.close())],
  ["after the greeting", async (talk) => {
    await talk.read(8);
    talk.close();
  }],
  ["in the middle of a frame", async (talk) => {
    await talk.send(START.subarray(0, 20));
    talk.close();
  }],
  ["after the credentials", async (talk) => {
    await talk.read(8);
    await talk.send(START);
    await talk.hear(10, 11);
    talk.close();
  }],
  ["before the vhost is open", async (talk) => {
    await talk.read(8);
    await talk.send(START);
    await talk.hear(10, 11);
    await talk.send(tune());
    await talk.hear(10, 40);
    talk.close();
  }],
];

for (const [when, script] of partings) {
  test(`a connection that is closed ${when}`, async () => {
    const error = await failure(script);
    assert.equal(error.code, "unavailable");
    assert.equal(error.reason, "broker_unreachable");
    assert.doesNotMatch(error.message, /undefined|no answer/);
  });
}

test("nobody listens", async () => {
  const port = freePort();
  const error = await failureAt(`amqp://127.0.0.1:${port}`);
  assert.equal(error.reason, "broker_unreachable");
  const message =
    `cannot reach a broker at 127.0.0.1:${port} (connection refused)`;
  assert.equal(error.message, message);
});

/** A peer that ends the handshake as a broker does that refuses. */
function refusing(code: number, reason: string) {
  return async (talk: Talk) => {
    await talk.read(8);
    await talk.send(START);
    await talk.hear(10, 11);
    await talk.send(closing(code, reason));
    await talk.hear(10, 51);
  };
}

test("a login that is refused", async () => {
  const script = refusing(403, "ACCESS_REFUSED - Login was refused");
  const login = { username: "ann", password: "s3cr3t" };
  const error = await failure(script, login);
  assert.deepEqual([error.code, error.reason], ["unauthenticated", "refused"]);
  assert.match(error.message, /user "ann" on vhost "\/" \(403\)/);
  assert.doesNotMatch(JSON.stringify(error) + error.stack, /s3cr3t/);
});

test("a vhost that is refused", async () => {
  const error = await failure(refusing(530, "NOT_ALLOWED - no access"));
  const seen = [error.code, error.reason];
  assert.deepEqual(seen, ["permission_denied", "refused"]);
});

test("a broker that is shutting down can be tried again", async () => {
  const error = await failure(refusing(320, "CONNECTION_FORCED - shutdown"));
  assert.equal(error.reason, "broker_unreachable");
  assert.match(error.message, /CONNECTION_FORCED - shutdown \(320\)/);
});

const unparseable: [string, Uint8Array][] = [
  ["a wrong frame end", frame(1, 0, Uint8Array.of(0, 10, 0, 10), 0)],
  ["a method without a body", frame(1, 0, new Uint8Array(0))],
  ["a method that breaks off", method(0, 10, 30, short(1))],
  [
    "a frame larger than agreed",
    concat(Uint8Array.of(1, 0, 0), long(2 ** 31 - 1), new Uint8Array(70_000)),
  ],
  [
    "a frame of negative size",
    concat(Uint8Array.of(1, 0, 0), long(2 ** 32 - 1), new Uint8Array(70)),
  ],
  [
    "a text longer than its frame",
    method(0, 10, 50, short(320), Uint8Array.of(255, 65)),
  ],
];

for (const [what, bytes] of unparseable) {
  test(`unparseable in the handshake: ${what}`, async () => {
    const error = await failure((talk) => talk.send(concat(bytes, bytes)));
    assert.equal(error.code, "unavailable");
    assert.equal(error.reason, "broker_unreachable");
  });

  test(`unparseable after the handshake: ${what}`, async () => {
    const lost = Promise.withResolvers<Error>();
    const go = Promise.withResolvers<void>();
    await using peer = startPeer(async (talk) => {
      await talk.handshake();
      await go.promise;
      await talk.send(concat(bytes, bytes));
    });
    await using rpc = await connect(
      peer.url,
      connectHooks({
        onEvent: (event) => {
          if (event.type === "lost") lost.resolve(event.error);
        },
      }),
    );
    const call = within(
      "the call's end",
      rpc.call("q", "", { timeoutMs: 4_000 }),
    );
    go.resolve();
    await assert.rejects(
      call,
      (error) =>
        error instanceof RpcError && error.reason === "connection_lost",
    );
    assert.ok(await within("the loss", lost.promise) instanceof Error);
  });
}

test("frames may be split anywhere", async () => {
  const bytes = concat(START, tune(), OPEN_OK);
  for (let at = 1; at < bytes.length; at++) {
    await using peer = startPeer(async (talk) => {
      await talk.read(8);
      await talk.send(bytes.subarray(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      await talk.send(bytes.subarray(at));
      await talk.hear(10, 50);
      await talk.send(method(0, 10, 51));
    });
    const rpc = await connect(peer.url, { connectTimeoutMs: 4_000 });
    await rpc.close();
  }
});

test("frames may come byte by byte", async () => {
  await using peer = startPeer(async (talk) => {
    await talk.read(8);
    for (const byte of concat(START, tune(), OPEN_OK)) {
      await talk.send(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await talk.hear(10, 50);
    await talk.send(method(0, 10, 51));
  });
  const rpc = await connect(peer.url, { connectTimeoutMs: 4_000 });
  await rpc.close();
});

test("credentials and vhost arrive as they were meant", async () => {
  const heard = Promise.withResolvers<[string, string]>();
  await using peer = startPeer(async (talk) => {
    const { startOk, open } = await talk.handshake();
    const decoder = new TextDecoder();
    heard.resolve([decoder.decode(startOk), decoder.decode(open)]);
    await talk.hear(10, 50);
    await talk.send(method(0, 10, 51));
  });
  const [user, password, vhost] = ["ä:@/% &", "p%41:?#[]", "/a b/ü%2F?x"];
  const url = new URL(peer.url);
  const login = [user, password].map(encodeURIComponent).join(":");
  const full = `amqp://${login}@${url.host}/${encodeURIComponent(vhost)}`;
  const rpc = await connect(full);
  await rpc.close();
  const [startOk, open] = await heard.promise;
  assert.ok(
    startOk.includes(
      `PLAIN\0\0\0${
        String.fromCharCode(text(`\0${user}\0${password}`).length)
      }\0${user}\0${password}`,
    ),
  );
  const opened = new TextDecoder().decode(shortString(vhost));
  assert.equal(open, `${opened}\0\0`);
});

test("of several brokers the first that answers is taken", async () => {
  const script = async (talk: Talk) => {
    await talk.handshake();
    await talk.hear(10, 50);
    await talk.send(method(0, 10, 51));
  };
  await using broker = startPeer(script);
  await using stranger = startPeer((talk) => talk.send(text("HTTP/1.1")));
  const nobody = `amqp://127.0.0.1:${freePort()}`;
  const events: string[] = [];
  const rpc = await connect(
    [nobody, stranger.url, broker.url],
    connectHooks({
      onEvent: (event) =>
        events.push("broker" in event ? event.broker : event.type),
    }),
  );
  await rpc.close();
  assert.deepEqual(events, [`127.0.0.1:${broker.port}`]);
});

test("of several failures a refusal is the one to tell", async () => {
  await using refuser = startPeer(refusing(403, "ACCESS_REFUSED"));
  const nobody = `amqp://127.0.0.1:${freePort()}`;
  const error = await failureAt([nobody, refuser.url, nobody]);
  assert.equal(error.reason, "refused");
});
