// Logins that are limited, to brokers of every generation.

import assert from "node:assert/strict";
import type { ConnectionEvent } from "../../src/mod.ts";
import {
  AmqpTransport,
  connectSettings,
  RpcServer,
} from "../../src/transport.ts";
import { run } from "../support/program.ts";
import { startProxy } from "../support/proxy.ts";
import {
  type RabbitMq,
  rabbitMqTest,
  startRabbitMq,
} from "../support/rabbitmq.ts";
import { within } from "../support/within.ts";
import { connected } from "./connected.ts";

/** A limit that nobody passes, until it is lifted. */
interface Limit {
  readonly what: string;
  readonly words: RegExp;
  readonly set: (rabbitMq: RabbitMq) => Promise<unknown>;
  readonly lift: (rabbitMq: RabbitMq) => Promise<unknown>;
}

const NONE = '{"max-connections": 0}';

const LIMITS: Limit[] = [{
  what: "of a virtual host",
  words: /connection limit \(0\) is reached/,
  set: ({ ctl }) => ctl("set_vhost_limits", "-p", "/", NONE),
  lift: ({ ctl }) => ctl("clear_vhost_limits", "-p", "/"),
}, {
  what: "of a user",
  words: /user connection limit \(0\) is reached/,
  set: async ({ ctl }) => {
    await ctl("enable_feature_flag", "user_limits");
    await ctl("set_user_limits", "guest", NONE);
  },
  lift: ({ ctl }) => ctl("clear_user_limits", "guest", "all"),
}, {
  what: "of the node",
  words: /node connection limit \(0\) is reached/,
  set: ({ ctl }) =>
    ctl("eval", "application:set_env(rabbit, connection_max, 0)."),
  lift: ({ ctl }) =>
    ctl("eval", "application:set_env(rabbit, connection_max, infinity)."),
}];

/** The events of a server that is not let in. */
function startServer(url: string) {
  const unreachable = Promise.withResolvers<Error>();
  const onEvent = (event: ConnectionEvent) => {
    if (event.type === "unreachable") unreachable.resolve(event.error);
  };
  const transport = new AmqpTransport(connectSettings(url, { onEvent }));
  const server = new RpcServer(transport, "limited", ({ bytes }) => bytes);
  return {
    server,
    refusal: Promise.race([
      unreachable.promise,
      server.ready.then(() => undefined, (error: Error) => error),
    ]),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await transport.close();
    },
  };
}

rabbitMqTest("a limit of connections passes", { slow: true }, async (t) => {
  await using rabbitMq = await startRabbitMq();
  const { url } = rabbitMq;
  for (const { what, words, set, lift } of LIMITS) {
    await t.step(what, async () => {
      await set(rabbitMq);
      await using it = startServer(url);
      const refusal = await within("the refusal", it.refusal);
      // RabbitMQ 3.10 knows no limit of the node.
      if (refusal === undefined && what === "of the node") return;
      assert.match(refusal!.message, words);
      assert.match(refusal!.message, /accepts no connection for now/);
      const client = await run(["client", "-u", url, "limited", "x"]);
      assert.equal(client.code, 75, client.stderr);
      assert.match(client.stderr, words);
      const args = ["client", "-u", url, "--wait", "limited", "x"];
      const waiting = run(args);
      await lift(rabbitMq);
      await within("the server", it.server.ready);
      const { code, stdout, stderr } = await waiting;
      assert.deepEqual([code, stdout], [0, "x"], stderr);
    });
  }
});

rabbitMqTest("a broker without heartbeats: a stalled link is noticed", {
  slow: true,
}, async () => {
  await using rabbitMq = await startRabbitMq({ config: "heartbeat = 0" });
  await using proxy = await startProxy(rabbitMq.port);
  await using calling = await connected(proxy.url(rabbitMq.url), {
    heartbeatMs: 1_000,
  });
  assert.equal(await calling.rpc.inspect("nothing"), undefined);
  const columns = await rabbitMq.ctl("list_connections", "timeout");
  assert.match(columns, /^1$/m);
  proxy.stall("both");
  await calling.event("lost");
  proxy.resume();
});

/** Longer than what a broker takes before it knows who logs in. */
const LONG = 12_000;

rabbitMqTest("a password of 12 KB: a limit of the broker's, with its name", {
  slow: true,
}, async (t) => {
  const password = "x".repeat(LONG);
  await t.step("as it is installed", async () => {
    await using rabbitMq = await startRabbitMq();
    await addUser(rabbitMq, password);
    const connecting = connected(rabbitMq.url, { username: "ann", password });
    await assert.rejects(
      within("the refusal", connecting),
      (error: Error) => {
        const limit =
          /takes \d+ bytes, but RabbitMQ [34]\.\d+\.\d+ accepts only (?:4096|8192) /;
        assert.match(error.message, limit);
        assert.match(error.message, /initial_frame_max/);
        return true;
      },
    );
    const fits = "x".repeat(3_800);
    await rabbitMq.ctl("change_password", "ann", fits);
    await using _calling = await connected(rabbitMq.url, {
      username: "ann",
      password: fits,
    });
  });
  await t.step("with initial_frame_max", async () => {
    const config = "initial_frame_max = 65536";
    await using rabbitMq = await startRabbitMq({ config });
    await addUser(rabbitMq, password);
    await using _calling = await connected(rabbitMq.url, {
      username: "ann",
      password,
    });
  });
});

async function addUser({ ctl }: RabbitMq, password: string): Promise<void> {
  await ctl("add_user", "ann", password);
  await ctl("set_permissions", "ann", ".*", ".*", ".*");
}
