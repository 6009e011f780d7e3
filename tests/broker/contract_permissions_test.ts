// What a user with few rights may do, and in which words the rest is refused.
// The same assertions for both brokers.

import { equal, match } from "node:assert/strict";
import { startBroker } from "../../src/broker/broker.ts";
import {
  BEHAVIOR,
  type Behavior,
  GENERATIONS,
} from "../../src/broker/generation.ts";
import type {
  PermissionName,
  Permissions,
} from "../../src/broker/permissions.ts";
import { test } from "../support/needs.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import type { TestChannel } from "./support/channel.ts";
import { Client } from "./support/client.ts";
import { generationAt, unique } from "./support/contract.ts";
import { args } from "./support/properties.ts";

/** Names tell what they allow: "c-..." to configure, "rw-..." to read, write. */
const PERMISSIONS: Permissions = {
  configure: "^r?c|^amq\\.gen-",
  write: "^r?w-",
  read: "^r",
};

/** A channel of a user who has no more than that. */
function permissionTest(
  name: string,
  fn: (channel: TestChannel, user: User) => Promise<void>,
): void {
  for (const generation of GENERATIONS) {
    test(`embedded as ${generation}: ${name}`, async () => {
      const credentials = { user: unique("user"), password: "secret" };
      const user = { password: "secret", permissions: PERMISSIONS };
      await using broker = await startBroker({
        as: generation,
        users: new Map([[credentials.user, user]]),
      });
      await using client = await Client.connect(broker.url, credentials);
      const rabbit = BEHAVIOR[generation];
      await fn(await client.channel(), new User(credentials.user, rabbit));
    });
  }
  const options = { sanitizeOps: false, sanitizeResources: false };
  rabbitMqTest(`RabbitMQ: ${name}`, options, async () => {
    const { url, ctl } = await sharedRabbitMq();
    const credentials = { user: unique("user"), password: "secret" };
    const { configure, write, read } = PERMISSIONS;
    await ctl("add_user", credentials.user, credentials.password);
    await ctl("set_permissions", credentials.user, configure, write, read);
    await using client = await Client.connect(url, credentials);
    const rabbit = BEHAVIOR[await generationAt(url)];
    await fn(await client.channel(), new User(credentials.user, rabbit));
  });
}

/** Whose rights are few. */
class User {
  constructor(readonly name: string, readonly rabbit: Behavior) {}

  /** How this user is told of a right that is missing. */
  lacks(
    right: PermissionName,
    kind: "queue" | "exchange",
    name: string,
  ): string {
    const access = this.rabbit.namesPermission ? `${right} access` : "access";
    return `ACCESS_REFUSED - ${access} to ${kind} '${name}' in vhost '/' refused for user '${this.name}'`;
  }
}

/** Runs `send` on a channel of its own and returns how it was refused. */
async function refused(
  { client }: TestChannel,
  send: (channel: TestChannel) => Promise<unknown>,
): Promise<string> {
  const channel = await client.channel(99);
  await send(channel);
  return await channel.refused();
}

permissionTest("queues need their rights", async (channel, user) => {
  const [c, r] = [unique("c"), unique("r")];
  await channel.declareQueue(c);
  const cases: [
    PermissionName,
    string,
    (channel: TestChannel) => Promise<unknown>,
  ][] = [
    ["configure", r, (ch) => ch.sendDeclareQueue(r)],
    ["configure", r, (ch) => ch.sendDeleteQueue(r)],
    ["read", c, (ch) => ch.sendConsume(c)],
    [
      "read",
      c,
      (ch) => ch.send(60, 70, (o) => o.short(0).shortstr(c).octet(0)),
    ],
    [
      "read",
      c,
      (ch) => ch.send(50, 30, (o) => o.short(0).shortstr(c).octet(0)),
    ],
  ];
  for (const [right, name, send] of cases) {
    equal(await refused(channel, send), user.lacks(right, "queue", name));
  }
  await channel.deleteQueue(c);
});

permissionTest("exchanges need their rights", async (channel, user) => {
  const [c, r] = [unique("c"), unique("r")];
  await channel.declareExchange(c, "fanout");
  const cases: [
    PermissionName,
    string,
    (channel: TestChannel) => Promise<unknown>,
  ][] = [
    ["configure", r, (ch) => ch.sendDeclareExchange(r, "fanout")],
    ["configure", r, (ch) => ch.sendDeleteExchange(r)],
    ["write", c, (ch) => ch.publish(c, "", "x")],
    ["write", "amq.default", (ch) => ch.publish("", "q", "x")],
  ];
  for (const [right, name, send] of cases) {
    equal(await refused(channel, send), user.lacks(right, "exchange", name));
  }
  await channel.sendDeleteExchange(c);
  await channel.next("exchange.delete-ok");
});

permissionTest("bindings need write and read", async (channel, user) => {
  const [c, w, rc] = [unique("c"), unique("w"), unique("rc")];
  await channel.declareQueue(c);
  await channel.declareExchange(rc, "fanout");
  equal(
    await refused(channel, (ch) => ch.sendBind(c, rc)),
    user.lacks("write", "queue", c),
  );
  equal(
    await refused(channel, (ch) => ch.sendBind(w, "amq.direct")),
    user.lacks("read", "exchange", "amq.direct"),
  );
  const bind = (destination: string) => (ch: TestChannel) =>
    ch.send(
      40,
      30,
      (o) =>
        o.short(0).shortstr(destination).shortstr(rc).shortstr("").octet(0)
          .table([]),
    );
  equal(await refused(channel, bind(c)), user.lacks("write", "exchange", c));
  match(await refused(channel, bind(w)), /^NOT_FOUND - no exchange 'w-/);
  await channel.deleteQueue(c);
  await channel.sendDeleteExchange(rc);
  await channel.next("exchange.delete-ok");
});

permissionTest(
  "exchanges in arguments need write, and read of what names them",
  async (
    channel,
    user,
  ) => {
    const [c, rc, w] = [unique("c"), unique("rc"), unique("w")];
    const dlx = (exchange: string) => ({
      exclusive: true,
      args: args({ "x-dead-letter-exchange": exchange }),
    });
    const alternate = (exchange: string) => ({
      autoDelete: true,
      args: args({ "alternate-exchange": exchange }),
    });
    equal(
      await refused(channel, (ch) => ch.sendDeclareQueue(c, dlx(w))),
      user.lacks("read", "queue", c),
    );
    equal(
      await refused(channel, (ch) => ch.sendDeclareQueue(rc, dlx(c))),
      user.lacks("write", "exchange", c),
    );
    await channel.declareQueue(rc, dlx(w));
    equal(
      await refused(
        channel,
        (ch) => ch.sendDeclareExchange(c, "fanout", alternate(w)),
      ),
      user.lacks("read", "exchange", c),
    );
    equal(
      await refused(
        channel,
        (ch) => ch.sendDeclareExchange(rc, "fanout", alternate(c)),
      ),
      user.lacks("write", "exchange", c),
    );
  },
);

permissionTest("a name by the broker needs rights as well", async (
  channel,
  user,
) => {
  const { queue } = await channel.declareQueue("", { exclusive: true });
  equal(
    await refused(channel, (ch) => ch.sendConsume(queue)),
    user.lacks("read", "queue", queue),
  );
  await channel.consume("amq.rabbitmq.reply-to", { noAck: true });
});

permissionTest("a passive declaration needs any right, or none", async (
  channel,
  user,
) => {
  const none = unique("none");
  const passive = { passive: true };
  for (const kind of ["queue", "exchange"] as const) {
    const look = (name: string) =>
      refused(
        channel,
        (ch) =>
          kind === "queue"
            ? ch.sendDeclareQueue(name, passive)
            : ch.sendDeclareExchange(name, "", passive),
      );
    for (const name of [unique("c"), unique("r"), unique("w")]) {
      equal(await look(name), `NOT_FOUND - no ${kind} '${name}' in vhost '/'`);
    }
    equal(
      await look(none),
      user.rabbit.passiveNeedsPermission
        ? user.lacks("configure", kind, none)
        : `NOT_FOUND - no ${kind} '${none}' in vhost '/'`,
    );
  }
});
