// What status tells of a broker and of queues.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { lookJson } from "../../../src/cli/status/look.ts";
import { LiveTable, tableLines } from "../../../src/cli/status/table.ts";
import { test } from "../../support/needs.ts";
import { freePort } from "../../support/ports.ts";
import { commandLine, run, start } from "../../support/program.ts";
import {
  rabbitMqTest,
  sharedRabbitMq,
  startRabbitMq,
} from "../../support/rabbitmq.ts";
import {
  CTRL_C,
  startAtTerminal,
  terminalMissing,
} from "../../support/terminal.ts";
import { rawChannel, scene, uniqueQueue } from "../scene.ts";

const AWAY = { url: "amqp://guest@mq/", error: "cannot reach it" };

rabbitMqTest("status: the broker alone, without its password", async () => {
  const { url } = await sharedRabbitMq();
  const { host } = new URL(url);
  const text = await run(["status", "-u", url]);
  assert.match(
    text.stdout,
    new RegExp(
      `^broker      amqp://guest@${host}/\\nround trip  \\d+\\.\\d\\d ms\\n$`,
    ),
  );
  assert.deepEqual([text.code, text.stderr], [0, ""]);
  const { code, stdout } = await run(["status", "-u", url, "--json"]);
  const { broker, queues } = JSON.parse(stdout);
  assert.equal(broker.url, `amqp://guest@${host}/`);
  assert.ok(broker.rtt_ms > 0 && broker.rtt_ms < 5_000, stdout);
  assert.deepEqual([code, queues], [0, []]);
});

rabbitMqTest("status: served, idle and missing queues", async () => {
  const { url, queue, serve } = await scene();
  const [idle, missing] = [uniqueQueue(), uniqueQueue()];
  await using raw = await rawChannel(url);
  await raw.channel.assertQueue(idle, { autoDelete: true });
  const waiting = { replyTo: "nobody", expiration: "60000" };
  raw.channel.sendToQueue(idle, Buffer.from("1"), waiting);
  await using _server = await serve(["--builtin", "echo"]);
  const status = (...args: string[]) => run(["status", "-u", url, ...args]);

  const served = await status(queue);
  assert.deepEqual([served.code, served.stderr], [0, ""]);
  assert.deepEqual(served.stdout.split("\n").slice(2), [
    "",
    "CONSUMERS  WAITING  QUEUE",
    `        1        0  ${queue}`,
    "",
  ]);
  const all = await status(queue, idle, missing);
  assert.deepEqual(all.stdout.split("\n").slice(4), [
    `        1        0  ${queue}`,
    `        0        1  ${idle}  (no server is consuming it)`,
    `        -        -  ${missing}  (no such queue)`,
    "",
  ]);
  assert.equal(all.code, 69);
  const json = await status("--json", queue, idle, missing);
  assert.deepEqual(JSON.parse(json.stdout).queues, [
    { queue, exists: true, consumers: 1, messages: 0 },
    { queue: idle, exists: true, consumers: 0, messages: 1 },
    { queue: missing, exists: false, consumers: 0, messages: 0 },
  ]);
  assert.equal(json.code, 69);
});

test("status: no broker is 75, one that is silent 124", async () => {
  const port = freePort();
  const none = await run(["status", "-u", `amqp://127.0.0.1:${port}`]);
  assert.equal(
    none.stderr,
    `rabbit-rpc: cannot reach a broker at 127.0.0.1:${port} (connection ` +
      'refused). Is one running? Try "rabbit-rpc broker", or set --url.\n',
  );
  assert.deepEqual([none.code, none.stdout], [75, ""]);
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `amqp://127.0.0.1:${silent.addr.port}`;
  const { code, stderr } = await run(["status", "-u", url, "-t", "200ms"]);
  assert.equal(
    stderr,
    "rabbit-rpc: the broker did not answer within 200ms.\n",
  );
  assert.equal(code, 124);
});

rabbitMqTest(
  "status --watch lives through a broker's restart",
  { slow: true },
  async () => {
    await using broker = await startRabbitMq();
    const looks = ["--watch", "--json", "--interval", "200ms"];
    const args = ["status", "-u", broker.url, ...looks, "calc"];
    await using watching = await start(args);
    await watching.waitFor(/"queue":"calc","exists":false/);
    await broker.stop();
    const away = await watching.waitFor(/"error"/);
    const { broker: { rtt_ms, error }, queues } = JSON.parse(away);
    assert.match(error, /broker/);
    assert.deepEqual([rtt_ms, queues], [null, []]);
    await using raw = await (async () => {
      await broker.start();
      return await rawChannel(broker.url);
    })();
    await raw.channel.assertQueue("calc");
    await watching.waitFor(/"queue":"calc","exists":true/);
    watching.kill("SIGINT");
    const { code, stderr } = await watching.result();
    assert.deepEqual([code, stderr], [130, ""]);
  },
);

rabbitMqTest("status --watch: SIGTERM is 143, a refusal 77", async () => {
  const { url } = await sharedRabbitMq();
  await using watching = await start(["status", "-u", url, "--watch"]);
  await watching.waitFor(/^round trip/);
  watching.kill("SIGTERM");
  assert.equal((await watching.result()).code, 143);
  const wrong = url.replace(":guest@", ":wrong@");
  const { code, stderr } = await run(["status", "-u", wrong, "--watch"]);
  assert.match(stderr, /^rabbit-rpc: login refused for user "guest"/);
  assert.equal(code, 77);
});

rabbitMqTest(
  "status --watch at a terminal draws over itself, and ends at Ctrl-C",
  { needs: [terminalMissing()] },
  async () => {
    const { url } = await sharedRabbitMq();
    const looks = ["--watch", "--interval", "100ms"];
    const words = await commandLine(["status", "-u", url, ...looks, "calc"]);
    await using watching = startAtTerminal(words, { keepStdinOpen: true });
    // Five lines up, and what is below is cleared.
    const redrawn = "\x1b[5A\r\x1b[J";
    await watching.waitFor(redrawn, "stdout", { occurrence: 2 });
    await watching.write(CTRL_C);
    assert.equal((await watching.result()).code, 130);
  },
);

Deno.test("a broker that is away: in the table and in JSON", () => {
  const look = { broker: AWAY, queues: [{ queue: "calc" }] };
  assert.deepEqual(tableLines(look, (_, text) => text), [
    "broker      amqp://guest@mq/",
    "no answer   cannot reach it; trying again",
    "",
    "CONSUMERS  WAITING  QUEUE",
    "        ?        ?  calc",
  ]);
  assert.deepEqual(JSON.parse(lookJson(look)), {
    broker: { ...AWAY, rtt_ms: null },
    queues: [],
  });
});

Deno.test("a table that is higher than the terminal is cut", () => {
  const table = new LiveTable();
  const lines = ["a", "b", "c", "d", "e"];
  const first = table.draw(lines, 4);
  assert.ok(first.includes("a\nb\n... and 3 more lines\n"), first);
  assert.ok(table.draw(["x"], 4).startsWith("\x1b[3A"));
  assert.ok(table.draw(lines, 24).startsWith("\x1b[1A"));
});
