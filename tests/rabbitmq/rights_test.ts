// The least rights that a client and a server need, and what is said where a
// right is missing. Of a queue that a user has no permission on, RabbitMQ tells
// nothing since 4.2.6.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { failureOf, Handler, watched } from "../reliability/watching.ts";
import {
  awaiting,
  onceReady,
  rawChannel,
  type Scene,
  scene,
} from "../cli/scene.ts";
import { callFromPython, pythonMissing } from "../support/peers.ts";
import { run, start } from "../support/program.ts";
import { rabbitMqSince } from "../support/rabbitmq_node.ts";
import {
  type RabbitMq,
  rabbitMqTest,
  startRabbitMq,
} from "../support/rabbitmq.ts";

/** What a user may do: configure, write, read. */
type Rights = [string, string, string];

/** What src/amqp/README.md gives a user, in a command to copy. */
async function leastRights(user: "server" | "client"): Promise<Rights> {
  const readme = new URL("../../src/amqp/README.md", import.meta.url);
  const command =
    `^# rabbitmqctl set_permissions ${user} '(.*)' '(.*)' '(.*)'$`;
  const text = await Deno.readTextFile(readme);
  const found = new RegExp(command, "m").exec(text);
  assert.ok(found, `the README has no rights for the ${user}`);
  return found.slice(1) as Rights;
}

/** The tutorial's client needs no more. */
const PLAIN_CLIENT: Rights = ["^amq\\.gen-", "^amq\\.default$", "^amq\\.gen-"];

/** The URL of a new user who may do this much. */
async function userOf(
  { ctl, port }: RabbitMq,
  name: string,
  rights: Rights,
): Promise<string> {
  const [configure, write, read] = rights.map((it) => JSON.stringify(it));
  const binaries = `<<${configure}>>, <<${write}>>, <<${read}>>`;
  const user = `<<"${name}">>`;
  const tester = '<<"test">>';
  const users = "rabbit_auth_backend_internal";
  // One start of rabbitmqctl, which takes a second.
  await ctl(
    "eval",
    `${users}:add_user(${user}, <<"secret">>, ${tester}), ${users}:` +
      `set_permissions(${user}, <<"/">>, ${binaries}, ${tester}).`,
  );
  return `amqp://${name}:secret@127.0.0.1:${port}`;
}

/** Whether this broker tells of queues whoever asks. */
const TELLS_ANYBODY = !rabbitMqSince(4, 2);

/** What is tried on one node, one after the other. */
const STEPS: [string, (rabbitMq: RabbitMq) => Promise<void>][] = [];

function step(name: string, fn: (rabbitMq: RabbitMq) => Promise<void>): void {
  STEPS.push([name, fn]);
}

function calc(url: string): Pick<Scene, "serve"> {
  return {
    serve: async (args) => {
      const server = await start(["server", "-u", url, "calc", ...args]);
      return await onceReady(server, awaiting("calc"));
    },
  };
}

step("the least rights of a server and of a client", async (rabbitMq) => {
  const server = await userOf(rabbitMq, "server", await leastRights("server"));
  const client = await userOf(rabbitMq, "client", await leastRights("client"));
  const plain = await userOf(rabbitMq, "plain", PLAIN_CLIENT);
  await using serving = await watched(server);
  await using calling = await watched(client);
  const handler = new Handler();
  await using _server = await serving.rpc.serve("calc", handler.procedure);
  for (const [n, url] of [client, plain].entries()) {
    const answer = run(["client", "-u", url, "calc", "30"]);
    (await handler.run(n + 1)).finish("832040");
    const { code, stdout, stderr } = await answer;
    assert.deepEqual([code, stdout, stderr], [0, "832040", ""]);
  }
  // It may cancel, and ask for servers.
  const canceling = new AbortController();
  const call = calling.rpc.call("calc", "for ever", {
    signal: canceling.signal,
    requireConsumer: true,
  });
  const { context } = await handler.run(3);
  canceling.abort();
  assert.equal((await failureOf(call)).code, "canceled");
  if (!context.signal.aborted) {
    await new Promise((resolve) => context.signal.onabort = resolve);
  }
  const seen = await run(["status", "-u", client, "calc"]);
  assert.deepEqual([seen.code, seen.stderr], [0, ""]);
});

step(
  "a server need not be permitted to declare its queue",
  async (rabbitMq) => {
    const [, write, read] = await leastRights("server");
    const configure = "^(rabbit-rpc\\.cancel\\.calc|amq\\.gen-.*)$";
    const rights: Rights = [configure, write, read];
    const url = await userOf(rabbitMq, "consumer", rights);
    await using raw = await rawChannel(rabbitMq.url);
    await raw.channel.assertQueue("calc", { durable: true });
    await using server = await calc(url).serve(["--builtin", "fib"]);
    const answer = await run(["client", "-u", rabbitMq.url, "calc", "30"]);
    assert.deepEqual([answer.code, answer.stdout], [0, "832040"]);
    assert.equal(server.stderr(), "");
  },
);

rabbitMqTest("aio-pika's robust connections are answered with few rights", {
  needs: [pythonMissing("aio_pika")],
}, async () => {
  await using rabbitMq = await startRabbitMq();
  const url = await userOf(rabbitMq, "server", await leastRights("server"));
  await using server = await calc(url).serve(["--builtin", "fib"]);
  const options = { robust: true };
  const call = (n: number) =>
    callFromPython("aio_pika", rabbitMq.url, "calc", n, options);
  assert.deepEqual(await Promise.all([30, 0].map(call)), ["832040", "0"]);
  assert.equal(server.stderr(), "");
});

step(
  "a reply_to that can't be checked: the missing right is told",
  async (rabbitMq) => {
    const url = await userOf(rabbitMq, "checker", await leastRights("server"));
    await using server = await calc(url).serve(["--builtin", "fib"]);
    await using raw = await rawChannel(rabbitMq.url);
    await raw.channel.assertQueue("shared", { autoDelete: true });
    raw.channel.sendToQueue("calc", Buffer.from("1"), { replyTo: "shared" });
    const line = await server.waitFor('"shared" are refused', "stderr");
    const why = TELLS_ANYBODY
      ? /the queue is not exclusive to another connection/
      : /can't be checked \(user "checker" may not inspect queue "shared" on vhost "\/": that needs the configure permission on it .*\); --reply-to shared would allow it$/;
    assert.match(line, why);
  },
);

step(
  "a client that may not look at the queue says so, and what would help",
  async (rabbitMq) => {
    const url = await userOf(rabbitMq, "bob", PLAIN_CLIENT);
    await using raw = await rawChannel(rabbitMq.url);
    await raw.channel.assertQueue("calc", { durable: true });
    const client = (...args: string[]) => run(["client", "-u", url, ...args]);
    const silent = await client("calc", "30", "-t", "1500ms");
    const refused = await client("calc", "30", "--no-wait");
    const missing = await client("nope", "30");
    assert.match(missing.stderr, /^rabbit-rpc: no queue "nope" on vhost "\/"/);
    assert.equal(missing.code, 69);
    if (TELLS_ANYBODY) {
      assert.match(silent.stderr, /no server is consuming it/);
      assert.match(refused.stderr, /no server is consuming it/);
      assert.deepEqual([silent.code, refused.code], [69, 69]);
      return;
    }
    const right =
      'user "bob" may not inspect queue "calc" on vhost "/": that ' +
      "needs the configure permission on it (from RabbitMQ 4.2.7 and 4.3.1 " +
      "on, read or write is enough).";
    assert.equal(
      silent.stderr,
      'rabbit-rpc: no reply from "calc" within 1.5s; the request may still ' +
        `have run. Whether it has a server is unknown: ${right} Use -t 6s, ` +
        'or look with "rabbit-rpc status calc".\n',
    );
    assert.equal(silent.code, 124);
    assert.equal(
      refused.stderr,
      `rabbit-rpc: cannot find out whether "calc" has a server: ${right} Check ` +
        "--password-file and the user's permissions on the vhost.\n",
    );
    assert.equal(refused.code, 77);
  },
);

step("status shows what it may look at", async (rabbitMq) => {
  const rights: Rights = ["^$", "^$", "^idle$"];
  const url = await userOf(rabbitMq, "eve", rights);
  await using raw = await rawChannel(rabbitMq.url);
  for (const queue of ["secret", "idle"]) {
    await raw.channel.assertQueue(queue, { autoDelete: true });
  }
  await raw.channel.consume("idle", () => {}, { noAck: true });
  await raw.channel.assertQueue("mine", { exclusive: true });
  const locked = 'queue "mine" is exclusive to another connection (405)';
  const may = TELLS_ANYBODY;
  const untold = (queue: string) =>
    `user "eve" may not inspect queue "${queue}" on vhost "/": that needs ` +
    "the configure permission on it (from RabbitMQ 4.2.7 and 4.3.1 on, read " +
    "or write is enough)";
  const status = (...args: string[]) => run(["status", "-u", url, ...args]);

  const text = await status("secret", "mine", "idle");
  assert.deepEqual(text.stdout.split("\n").slice(4, -1), [
    may
      ? "        0        0  secret  (no server is consuming it)"
      : `        ?        ?  secret  (${untold("secret")})`,
    `        ?        ?  mine  (${may ? locked : untold("mine")})`,
    "        1        0  idle",
  ]);
  assert.deepEqual([text.code, text.stderr], [may ? 69 : 77, ""]);
  const json = await status("--json", "mine", "idle");
  const unknown = { exists: null, consumers: null, messages: null };
  assert.deepEqual(JSON.parse(json.stdout).queues, [
    { queue: "mine", ...unknown, error: may ? locked : untold("mine") },
    { queue: "idle", exists: true, consumers: 1, messages: 0 },
  ]);
  assert.equal(json.code, 77);
});

step("status --watch goes on where a queue is refused", async (rabbitMq) => {
  const url = await userOf(rabbitMq, "zoe", ["^$", "^$", "^$"]);
  await using raw = await rawChannel(rabbitMq.url);
  await raw.channel.assertQueue("private", { exclusive: true });
  const looks = ["--watch", "--json", "--interval", "100ms"];
  const args = ["status", "-u", url, "private", ...looks];
  await using watching = await start(args);
  const second = { occurrence: 2 };
  const line = await watching.waitFor('"exists":null', "stdout", second);
  assert.equal(typeof JSON.parse(line).queues[0].error, "string");
  watching.kill("SIGINT");
  const { code, stderr } = await watching.result();
  assert.deepEqual([code, stderr], [130, ""]);
});

step("a right that is missing is named", async (rabbitMq) => {
  await using raw = await rawChannel(rabbitMq.url);
  await raw.channel.assertQueue("calc", { durable: true });
  const bob = await userOf(rabbitMq, "mute", [
    "^amq\\.gen-",
    "",
    "^amq\\.gen-",
  ]);
  const { code, stderr } = await run(["client", "-u", bob, "calc", "30"]);
  assert.match(
    stderr,
    /^rabbit-rpc: user "mute" has no (write )?permission on exchange "amq\.default" on vhost "\/" \(403\)\. Check /,
  );
  assert.equal(code, 77);
  const server = await run(["server", "-u", bob, "calc", "--builtin", "fib"]);
  assert.match(
    server.stderr,
    /^rabbit-rpc: user "mute" has no (read )?permission on queue "calc" on vhost "\/" \(403\)\. Check /,
  );
  assert.equal(server.code, 77);
});

rabbitMqTest("rights on RabbitMQ", async (t) => {
  await using rabbitMq = await startRabbitMq();
  for (const [name, fn] of STEPS) await t.step(name, () => fn(rabbitMq));
});

rabbitMqTest(
  "a queue that another consumer has to itself is waited for",
  async () => {
    const { url, queue } = await scene();
    await using raw = await rawChannel(url);
    const { channel } = raw;
    await channel.assertQueue(queue);
    const alone = { exclusive: true };
    const { consumerTag } = await channel.consume(queue, () => {}, alone);
    await using server = await start(
      ["server", "-u", url, queue, "--builtin", "fib"],
    );
    await server.waitFor(
      `another consumer has queue "${queue}" to itself (403)`,
      "stderr",
    );
    await channel.cancel(consumerTag);
    await server.waitFor(awaiting(queue));
  },
);
