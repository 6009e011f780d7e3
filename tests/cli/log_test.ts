// What is said on stderr, as text and as JSON lines: levels, causes, ids.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Log } from "../../src/cli/log.ts";
import { stderr } from "../../src/cli/stdio/stderr.ts";
import { test } from "../support/needs.ts";
import { freePort } from "../support/ports.ts";
import { run, start } from "../support/program.ts";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { rawChannel, scene } from "./scene.ts";

const JSON_LOG = ["--log-format", "json"];

/** Each line, which has to be an object. */
function records(text: string): Record<string, unknown>[] {
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** What every line has, in order. */
function assertRecord(record: Record<string, unknown>, level: string): void {
  assert.deepEqual(Object.keys(record).slice(0, 3), [
    "level",
    "time",
    "message",
  ]);
  assert.equal(record.level, level);
  const { time } = record;
  assert.equal(new Date(time as string).toISOString(), time);
}

test("an error as an object: status, code and reason", async () => {
  const at = `127.0.0.1:${freePort()}`;
  const nowhere = ["client", "-u", `amqp://${at}`, "q", "1"];
  const { code, stdout, stderr } = await run([...nowhere, ...JSON_LOG]);
  const [record, ...others] = records(stderr);
  assertRecord(record!, "error");
  const { time: _, ...rest } = record!;
  assert.deepEqual(rest, {
    level: "error",
    message: `cannot reach a broker at ${at} (connection refused). Is one ` +
      'running? Try "rabbit-rpc broker", or set --url.',
    status: 75,
    code: "unavailable",
    reason: "broker_unreachable",
  });
  assert.deepEqual([code, stdout, others], [75, "", []]);
});

test("--verbose tells what caused an error, in either format", async () => {
  const args = ["client", "-u", `amqp://127.0.0.1:${freePort()}`, "q", "1"];
  const text = (await run([...args, "-v"])).stderr.split("\n");
  assert.match(text[0]!, /^rabbit-rpc: cannot reach a broker/);
  const cause = "ConnectionRefused: Connection refused";
  assert.ok(text[1]!.startsWith(`rabbit-rpc: caused by ${cause}`), text[1]);
  assert.deepEqual(text.slice(2), [""]);
  const json = records((await run([...args, "-v", ...JSON_LOG])).stderr);
  assert.ok(String(json[0]!.causes).startsWith(cause), text[1]);
  assert.equal(json.length, 1);
});

test("wrong usage is an object too", async () => {
  const env = { RABBIT_RPC_LOG_FORMAT: "json" };
  const { code, stderr } = await run(["client", "q", "1", "--nope"], { env });
  const [record] = records(stderr);
  assertRecord(record!, "error");
  assert.equal(
    record!.message,
    "unknown option '--nope' (Did you mean --type?)",
  );
  assert.deepEqual([code, record!.status], [64, 64]);
});

rabbitMqTest("a server's events: its lines on stdout, no body", async () => {
  const { url, queue, client } = await scene();
  const args = ["server", "-u", url, queue, "--builtin", "fib", "-v"];
  await using server = await start([...args, ...JSON_LOG]);
  await server.waitFor('"consuming"');
  const body = "987654321";
  const request = [body, "--retries", "1", "--type", "m"];
  assert.equal((await client(request)).code, 1);
  await server.waitFor('"answered"', "stderr");
  server.kill("SIGTERM");
  const { code, stdout, stderr } = await server.result();
  assert.equal(code, 0);
  const [consuming, started, ...others] = records(stdout);
  assertRecord(consuming!, "info");
  assert.equal(consuming!.message, `Awaiting RPC requests on ${queue}`);
  assert.equal(consuming!.queue, queue);
  assertRecord(started!, "info");
  const { correlation_id, message_id, type, bytes, event } = started!;
  assert.deepEqual([event, type, bytes], ["request", "m", body.length]);
  assert.match(
    `${correlation_id} ${message_id}`,
    /^[\w-]{12,15} [\da-f-]{36}$/,
  );
  assert.equal(stdout.includes(body), false);
  assert.deepEqual(others, []);

  const [connected, answered, stopping] = records(stderr);
  assertRecord(connected!, "debug");
  assertRecord(answered!, "debug");
  assert.deepEqual(
    [answered!.correlation_id, answered!.message_id],
    [correlation_id, message_id],
  );
  assertRecord(stopping!, "warn");
  assert.match(
    String(stopping!.message),
    /^stopping; \d+ requests? in flight$/,
  );
});

rabbitMqTest("ids are on every line about a request, as text too", async () => {
  const { url, queue, serve, client } = await scene();
  await using server = await serve(["--builtin", "sleep", "-v"]);
  assert.equal((await client(["--retries", "1", "soon"])).code, 1);
  const answered = await server.waitFor("answered", "stderr");
  const correlationId = "[\\w-]{12,15}";
  const messageId = "[\\da-f-]{36}";
  assert.match(
    answered,
    new RegExp(
      `: .* \\(correlation_id ${correlationId}, message_id ${messageId}\\)$`,
    ),
  );
  const started = await server.waitFor(" [.] ");
  assert.match(
    started,
    new RegExp(`^ \\[\\.\\] ${correlationId} ${messageId} 4 bytes$`),
  );

  // Its reply would come back as a request.
  await using raw = await rawChannel(url);
  const circular = {
    replyTo: queue,
    correlationId: "a\x1b[31mb",
    messageId: "m",
  };
  raw.channel.publish("", queue, Buffer.from("1"), circular);
  const dropped = await server.waitFor("request dropped", "stderr");
  assert.match(dropped, / \(correlation_id a \[31mb, message_id m\)$/);
});

test("levels: --quiet and --verbose, and passwords in whatever is said", async () => {
  let said = "";
  const { write } = Deno.stderr;
  Deno.stderr.write = (bytes) => {
    said += new TextDecoder().decode(bytes);
    return Promise.resolve(bytes.length);
  };
  try {
    for (const flags of [{ quiet: true }, {}, { verbose: true }]) {
      const log = new Log(flags);
      log.error("e");
      log.warn("w");
      log.info("i");
      log.debug("d amqp://bob:s3cr3t@broker");
    }
    const cause = new Error("at amqp://bob:s3cr3t@broker");
    const error = new Error("it failed", { cause });
    new Log({ verbose: true, logFormat: "json" }).failure(error, "it failed");
    await stderr.flushedWithin(10_000);
  } finally {
    Deno.stderr.write = write;
  }
  const lines = said.trimEnd().split("\n");
  assert.deepEqual(
    lines.slice(0, -1).map((line) => line.replace("rabbit-rpc: ", "").trim()),
    ["e", "w", "e", "w", "i", "e", "w", "i", "d amqp://bob:***@broker"],
  );
  assert.deepEqual(JSON.parse(lines.at(-1)!).causes, [
    "Error: at amqp://bob:***@broker",
  ]);
});

rabbitMqTest(
  "an error of megabytes is told in a few of its words",
  async () => {
    const { client, serve } = await scene();
    await using files = new AsyncDisposableStack();
    const path = await Deno.makeTempFile({ suffix: ".mjs" });
    files.defer(() => Deno.remove(path));
    await Deno.writeTextFile(
      path,
      'export default (r) => { throw new Error("a".repeat(+r.text())); };',
    );
    await using server = await serve(["-v", "--module", path]);
    const shown = "a".repeat(4_096 - "procedure failed: internal: ".length);
    for (const length of [100_000, 2_000_000]) {
      const { code, stderr } = await client([`${length}`]);
      assert.equal(code, 1);
      const [line, ...others] = stderr.split("\n");
      assert.ok(line!.startsWith(`rabbit-rpc: procedure failed: internal: a`));
      assert.match(line!, /a\.\.\. \[\d+ more\]$/);
      assert.equal(line!.match(/a+(?=\.\.\.)/)![0], shown);
      assert.deepEqual(others, [""]);
      await server.waitFor(
        /answered internal: a+\.\.\. \[\d+ more\]/,
        "stderr",
      );
    }
  },
);
