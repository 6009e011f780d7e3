// Passwords that change while connections live, and between them.

import assert from "node:assert/strict";
import { startBroker } from "../../src/broker/broker.ts";
import {
  connect,
  type ConnectionEvent,
  type ConnectOptions,
} from "../../src/mod.ts";
import {
  AmqpTransport,
  connectSettings,
  RpcServer,
} from "../../src/transport.ts";
import type { RpcError } from "../../src/rpc/errors.ts";
import { method, startPeer, type Talk } from "../support/fake_peer.ts";
import { test } from "../support/needs.ts";
import { turns, within } from "../support/within.ts";
import { connectHooks } from "../support/hooks.ts";

/** The first field of connection.update-secret. */
function secretOf(payload: Uint8Array): string {
  const { buffer, byteOffset } = payload;
  const length = new DataView(buffer, byteOffset).getUint32(0);
  return new TextDecoder().decode(payload.subarray(4, 4 + length));
}

const UPDATE_SECRET_OK = method(0, 10, 71);

test("the broker is told of another password, once, on the living connection", async () => {
  const told: string[] = [];
  const twice = Promise.withResolvers<void>();
  await using peer = startPeer(async (talk) => {
    await talk.handshake();
    for (let n = 0; n < 2; n++) {
      told.push(secretOf(await talk.hear(10, 70)));
      await talk.send(UPDATE_SECRET_OK);
    }
    twice.resolve();
  });
  const passwords = ["one", "one", "two", "two", "t".repeat(20_000)];
  const last = passwords.at(-1)!;
  const updated = Promise.withResolvers<void>();
  const events: string[] = [];
  await using _rpc = await connect(
    peer.url,
    connectHooks({
      password: () => passwords.shift() ?? last,
      passwordPollMs: 5,
      onEvent: ({ type }) => {
        events.push(type);
        if (events.length === 3) updated.resolve();
      },
    }),
  );
  await within("both", Promise.all([twice.promise, updated.promise]));
  assert.deepEqual(told, ["two", last]);
  assert.deepEqual(events, ["connected", "secret_updated", "secret_updated"]);
});

test("a function that fails between two logins disturbs nobody", async () => {
  const told = Promise.withResolvers<string>();
  await using peer = startPeer(async (talk) => {
    await talk.handshake();
    told.resolve(secretOf(await talk.hear(10, 70)));
  });
  let calls = 0;
  await using _rpc = await connect(peer.url, {
    password: () => {
      if (++calls === 2) throw new Error("being written");
      return Promise.resolve(calls === 1 ? "old" : "new");
    },
    passwordPollMs: 5,
  });
  assert.equal(await within("the secret", told.promise), "new");
});

test("a poll that takes long is the only one", async () => {
  let calls = 0;
  let asking = 0;
  const answers: (() => void)[] = [];
  const many = Promise.withResolvers<void>();
  const password = async () => {
    if (calls++ === 0) return "x";
    assert.equal(++asking, 1);
    if (calls > 3) many.resolve();
    await new Promise<void>((resolve) => answers.push(resolve));
    asking--;
    return "x";
  };
  await using broker = await startBroker({ users: new Map([["guest", "x"]]) });
  await using _rpc = await connect(broker.url, { password, passwordPollMs: 1 });
  const answering = setInterval(() => answers.shift()?.(), 10);
  await within("polls", many.promise);
  clearInterval(answering);
});

async function failure(
  password: ConnectOptions["password"],
  url = "amqp://127.0.0.1:1",
): Promise<RpcError> {
  const options = { password, connectTimeoutMs: 50 };
  return await connect(url, options).then(() => assert.fail(), (e) => e);
}

test("without a password there is no login", async () => {
  const failing = await failure(() => Promise.reject(new Error("no vault")));
  assert.deepEqual(
    [failing.code, failing.reason, failing.message],
    ["unavailable", "no_password", "cannot get the password (no vault)"],
  );
  const slow = await failure(() => new Promise(() => {}));
  assert.match(slow.message, /^cannot get the password \(.* than 50ms\)$/);
  // deno-lint-ignore no-explicit-any
  const number = await failure((() => 12345) as any);
  assert.match(number.message, /must return a string, got number/);
  assert.doesNotMatch(number.message, /12345/);
});

test("closing ends the wait for a password", async () => {
  const asked = Promise.withResolvers<void>();
  const transport = new AmqpTransport(connectSettings("amqp://127.0.0.1:1", {
    password: () => {
      asked.resolve();
      return new Promise(() => {});
    },
  }));
  const connecting = transport.connection({ patient: true });
  const rejected = assert.rejects(connecting, { reason: "closed" });
  await asked.promise;
  await within("the end", Promise.all([transport.close(), rejected]));
});

test("a password is asked for before each connection", async () => {
  const responses: string[] = [];
  const connected = Promise.withResolvers<void>();
  const script = async (talk: Talk) => {
    const { startOk } = await talk.handshake();
    responses.push(/one|two/.exec(new TextDecoder().decode(startOk))![0]);
    if (responses.length === 1) return talk.close();
    await talk.hear(10, 50);
    await talk.send(method(0, 10, 51));
  };
  await using peer = startPeer(script);
  const passwords = ["one", "two"];
  await using transport = new AmqpTransport(connectSettings(peer.url, {
    password: () => passwords.shift()!,
    passwordPollMs: 0,
    onEvent: ({ type }) => type === "connected" && connected.resolve(),
  }));
  const { lost } = await transport.connection();
  await within("the loss", lost);
  await turns();
  await transport.connection({ patient: true });
  assert.deepEqual(responses, ["one", "two"]);
});

/** A server whose connection is cut, and whose next logins are refused. */
async function refusedServer(password: ConnectOptions["password"]) {
  const broker = await startBroker();
  const events: ConnectionEvent[] = [];
  const unreachable = Promise.withResolvers<Error>();
  const transport = new AmqpTransport(connectSettings(broker.url, {
    password,
    onEvent: (event) => {
      events.push(event);
      if (event.type === "unreachable") unreachable.resolve(event.error);
    },
  }));
  const server = new RpcServer(transport, "q", ({ bytes }) => bytes);
  await server.ready;
  const refusal = broker.refuseLogins();
  broker.connections[0]!.drop();
  return {
    server,
    events,
    refusal,
    unreachable: unreachable.promise,
    broker,
    [Symbol.asyncDispose]: async () => {
      await server.stop({ graceMs: 0 });
      await transport.close();
      await broker.close();
    },
  };
}

test("a login that was good is tried again where the password may change", async () => {
  await using it = await refusedServer(() => "guest");
  const error = await within("the refusal", it.unreachable);
  assert.match(error.message, /login refused for user "guest"/);
  it.refusal.end();
  await using rpc = await connect(it.broker.url);
  assert.equal((await rpc.call("q", "again")).text(), "again");
});

test("a login that was good is not tried again where the password can't change", async () => {
  await using it = await refusedServer("guest");
  await assert.rejects(within("the end", it.server.finished), {
    reason: "refused",
  });
});
