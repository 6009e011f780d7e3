// Who is answered, and who is not: strangers try to have the server write where
// it should not, and clients of other libraries work, on RabbitMQ.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Channel } from "amqplib";
import {
  awaiting,
  onceReady,
  rawChannel,
  scene,
  uniqueQueue,
} from "../cli/scene.ts";
import type { Running } from "../support/process.ts";
import { start } from "../support/program.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { within } from "../support/within.ts";

/** An echo server, and somebody who sends it what no client of ours does. */
async function echoing(flags: string[] = []) {
  const { url, queue, serve } = await scene();
  const stack = new AsyncDisposableStack();
  const server = stack.use(await serve(["--builtin", "echo", ...flags]));
  const { channel } = stack.use(await rawChannel(url));
  const victim = `victim-${crypto.randomUUID()}`;
  return {
    url,
    queue,
    server,
    channel,
    victim,
    /** Sends a request whose reply would go to `replyTo`. */
    ask: (replyTo: string | undefined, body = "x") =>
      channel.sendToQueue(queue, Buffer.from(body), {
        correlationId: "id",
        replyTo,
      }),
    /** All that was sent before has been dealt with: this was answered. */
    settled: () => answered(channel, queue),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Calls as the tutorial's client does. */
async function answered(channel: Channel, queue: string): Promise<void> {
  const { queue: replyTo } = await channel.assertQueue("", { exclusive: true });
  await consumeOne(
    channel,
    replyTo,
    () => channel.sendToQueue(queue, Buffer.from("fine"), { replyTo }),
  );
}

/** The first message of a queue, once `cause` has been run. */
async function consumeOne(
  channel: Channel,
  queue: string,
  cause: () => unknown,
): Promise<string> {
  const first = Promise.withResolvers<string>();
  const { consumerTag } = await channel.consume(queue, (message) => {
    first.resolve(message!.content.toString());
  }, { noAck: true });
  cause();
  const text = await within(`a message in ${queue}`, first.promise, 10_000);
  await channel.cancel(consumerTag);
  return text;
}

function refusals(server: Running): string[] {
  return server.stderr().split("\n").filter((line) => /refused/.test(line));
}

rabbitMqTest("nothing is written to somebody's shared queue", async () => {
  await using it = await echoing();
  await it.channel.assertQueue(it.victim, { autoDelete: true });
  for (let n = 0; n < 3; n++) it.ask(it.victim);
  const line = await it.server.waitFor("are refused", "stderr");
  assert.equal(
    line,
    `rabbit-rpc: requests with reply_to "${it.victim}" are refused: the queue ` +
      `is not exclusive to another connection; --reply-to ${it.victim} would ` +
      "allow it",
  );
  it.ask(it.victim);
  await it.settled();
  assert.equal(refusals(it.server).length, 1);
  assert.doesNotMatch(it.server.stdout(), /\[\.\] id/);
  const { messageCount } = await it.channel.checkQueue(it.victim);
  assert.equal(messageCount, 0);
  await it.channel.deleteQueue(it.victim);
});

rabbitMqTest("nothing is written to the request queue itself", async () => {
  await using it = await echoing(["--reply-to", "*"]);
  it.ask(it.queue);
  it.ask(it.queue);
  await it.server.waitFor("the request queue itself", "stderr");
  await it.settled();
  assert.equal(refusals(it.server).length, 1);
  assert.doesNotMatch(it.server.stdout(), /\[\.\] id/);
  const { messageCount } = await it.channel.checkQueue(it.queue);
  assert.equal(messageCount, 0);
});

rabbitMqTest(
  "a name that a shell would read is not offered for it",
  async () => {
    await using it = await echoing();
    const name = `${it.victim}; rm -rf $HOME`;
    await it.channel.assertQueue(name, { autoDelete: true });
    it.ask(name);
    const line = await it.server.waitFor("are refused", "stderr");
    assert.match(line, /; --reply-to PATTERN would allow it$/);
    await it.channel.deleteQueue(name);
  },
);

rabbitMqTest("nothing is written to an exchange", async () => {
  await using it = await echoing(["--verbose"]);
  const { channel, victim } = it;
  await channel.assertExchange(victim, "fanout", { autoDelete: true });
  const { queue: behind } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(behind, victim, "key");
  const names = [victim, `${victim}/key`, `/exchange/${victim}/key`];
  for (const name of [...names, `amq.gen-/exchange/${victim}/key`]) {
    it.ask(name);
  }
  await it.settled();
  for (const name of names) {
    await it.server.waitFor(`its reply_to "${name}" is gone`, "stderr");
  }
  assert.equal((await channel.checkQueue(behind)).messageCount, 0);
});

rabbitMqTest("a queue that is exclusive under a name of its own", async () => {
  await using it = await echoing();
  const { channel } = it;
  const replyTo = `amq_0x${crypto.randomUUID()}`;
  await channel.assertQueue(replyTo, { exclusive: true });
  for (const body of ["one", "two"]) {
    const reply = await consumeOne(
      channel,
      replyTo,
      () => it.ask(replyTo, body),
    );
    assert.equal(reply, body);
  }
  assert.equal(it.server.stderr(), "");
});

/** As Nameko names its reply queues, and as Spring's are often configured. */
const fixedNames = () => [
  `rpc.reply-proxy-${crypto.randomUUID()}`,
  `${crypto.randomUUID()}.replies`,
];

rabbitMqTest("fixed, shared reply queues are refused by default", async () => {
  await using it = await echoing();
  for (const replyTo of fixedNames()) {
    await it.channel.assertQueue(replyTo, { autoDelete: true });
    it.ask(replyTo);
    await it.server.waitFor(`"${replyTo}" are refused`, "stderr");
    assert.equal((await it.channel.deleteQueue(replyTo)).messageCount, 0);
  }
});

rabbitMqTest("fixed, shared reply queues work with --reply-to", async () => {
  const flags = ["--reply-to", "rpc.reply-*,nobody", "--reply-to", "*.replies"];
  await using it = await echoing(flags);
  for (const replyTo of fixedNames()) {
    await it.channel.assertQueue(replyTo, { autoDelete: true });
    const ask = () => it.ask(replyTo, "fixed");
    assert.equal(await consumeOne(it.channel, replyTo, ask), "fixed");
  }
  assert.equal(it.server.stderr(), "");
});

rabbitMqTest(
  "a refused request is dead-lettered where that is set",
  async () => {
    const { url, queue } = await scene();
    await using raw = await rawChannel(url);
    const { channel } = raw;
    const exchange = uniqueQueue();
    const victim = uniqueQueue();
    await channel.assertExchange(exchange, "fanout", { autoDelete: true });
    const { queue: dead } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(dead, exchange, "");
    await channel.assertQueue(victim, { exclusive: false, autoDelete: true });
    const flags = ["--builtin", "echo", "--dead-letter", exchange];
    await using server = await onceReady(
      await start(["server", "--url", url, queue, ...flags]),
      ` [x] Awaiting RPC requests on ${queue}`,
    );
    const options = { replyTo: victim };
    const ask = () => channel.sendToQueue(queue, Buffer.from("x"), options);
    assert.equal(await consumeOne(channel, dead, ask), "x");
    await server.waitFor("are refused", "stderr");
    assert.equal(refusals(server).length, 1);
    await channel.deleteQueue(victim);
  },
);

rabbitMqTest(
  "a server with few rights checks queues all the same",
  async () => {
    const { url: admin, ctl } = await sharedRabbitMq();
    const [user, queue] = [uniqueQueue(), uniqueQueue()];
    const [shared, mine] = [uniqueQueue(), uniqueQueue()];
    await ctl("add_user", user, "secret");
    // Its own queue, the replies, and those of which the broker is to tell.
    const rights = [queue, "amq\\.default", `(${queue}|${mine}|${shared})`];
    await ctl("set_permissions", user, ...rights.map((right) => `^${right}$`));
    const url = admin.replace("guest:guest", `${user}:secret`);
    await using server = await onceReady(
      await start(["server", "-u", url, queue, "--builtin", "echo"]),
      awaiting(queue),
    );
    await using raw = await rawChannel(admin);
    const { channel } = raw;
    await channel.assertQueue(shared);
    await channel.assertQueue(mine, { exclusive: true });
    const ask = (replyTo: string) => () =>
      channel.sendToQueue(queue, Buffer.from("x"), { replyTo });
    assert.equal(await consumeOne(channel, mine, ask(mine)), "x");
    ask(shared)();
    await server.waitFor(`"${shared}" are refused: the queue is not`, "stderr");
  },
);
