// A command served, one process for each request.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { permissionsMissing, test } from "../../support/needs.ts";
import { isThere } from "../../support/files.ts";
import {
  groupEnd,
  processGroupsMissing,
} from "../../support/process_groups.ts";
import type { Running } from "../../support/process.ts";
import { run } from "../../support/program.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { rawChannel, scene, temporaryFile } from "../scene.ts";

const needs = [processGroupsMissing()];
const JQ = "/usr/bin/jq";
const MIB = 1024 * 1024;

rabbitMqTest("a command answers: -- tr a-z A-Z", async () => {
  const { client, serve } = await scene();
  await using server = await serve(["--", "tr", "a-z", "A-Z"]);
  const { code, stdout, stderr } = await client(["hello"]);
  assert.deepEqual([code, stdout, stderr], [0, "HELLO", ""]);
  await server.waitFor(/^ \[\.\] [-\w]{12,15} 5 bytes$/);
});

rabbitMqTest("a batch goes through as many processes", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["-c", "4", "--", "tr", "a-z", "A-Z"]);
  const stdin = "one\ntwo\nthree\n".repeat(10);
  const { code, stdout } = await client(["-l"], { stdin });
  assert.deepEqual([code, stdout], [0, stdin.toUpperCase()]);
});

const jqMissing = permissionsMissing() ??
  (isThere(JQ) ? undefined : `there is no ${JQ}.`);

rabbitMqTest("flags of the command are its own: -- jq", {
  needs: [jqMissing],
}, async () => {
  const { client, serve } = await scene();
  await using _server = await serve([
    "--",
    "jq",
    "-c",
    "--arg",
    "x",
    "1",
    ".a + $x",
  ]);
  const { code, stdout } = await client(['{"a":"b"}']);
  assert.deepEqual([code, stdout], [0, '"b1"\n']);
});

rabbitMqTest("a body is input, whatever a shell would make of it", async () => {
  const { client, serve } = await scene();
  await using victim = await temporaryFile("precious");
  const { path } = victim;
  await using _server = await serve(["--", "cat"]);
  for (
    const body of [
      `; rm ${path}`,
      `$(rm ${path})`,
      `\`rm ${path}\``,
      `'; rm ${path} #`,
      "a\0b",
    ]
  ) {
    const { code, stdout } = await client([], { stdin: body });
    assert.deepEqual([code, stdout], [0, body]);
  }
  assert.equal(await Deno.readTextFile(path), "precious");
});

rabbitMqTest("a header is a variable, whatever is in it", async () => {
  const { client, serve } = await scene();
  const script =
    'printf %s "$RABBIT_RPC_REQUEST_TYPE:$RABBIT_RPC_HEADER_X_USER"';
  await using _server = await serve(["--", "sh", "-c", script]);
  const user = "$(id); `id` | id";
  const args = ["--type", "resize", "-H", `x-user:${user}`, ""];
  assert.equal((await client(args)).stdout, `resize:${user}`);
});

rabbitMqTest("a NUL where no variable can hold it is refused", async () => {
  const { url, queue, serve } = await scene();
  await using server = await serve(["--verbose", "--", "cat"]);
  await using raw = await rawChannel(url);
  const { queue: replyTo } = await raw.channel.assertQueue("", {
    exclusive: true,
  });
  const reply = Promise.withResolvers<string>();
  await raw.channel.consume(
    replyTo,
    (message) => reply.resolve(String(message?.content)),
    { noAck: true },
  );
  raw.channel.sendToQueue(queue, Buffer.alloc(0), {
    replyTo,
    messageId: "a\0b",
  });
  assert.equal(JSON.parse(await reply.promise).code, "invalid_argument");
  await server.waitFor("invalid_argument", "stderr");
});

rabbitMqTest("an exit status is an error, with the status", async () => {
  const { client, serve } = await scene();
  const script = "echo no such image >&2; exit 2";
  await using server = await serve(["--verbose", "--", "sh", "-c", script]);
  const { code, stdout, stderr } = await client(["--json", "x"]);
  const text = '"sh" exited with status 2';
  const { error } = JSON.parse(stdout);
  assert.deepEqual(error, { exit_status: 2, code: "internal", detail: text });
  const sentence = `rabbit-rpc: procedure failed: internal: ${text}.\n`;
  assert.deepEqual([code, stderr], [1, sentence]);
  // What the command said is for the log alone.
  await server.waitFor(/^rabbit-rpc: sh: no such image$/, "stderr");
  await server.waitFor(
    /^rabbit-rpc: answered internal: .*2 \(correlation_id /,
    "stderr",
  );
});

rabbitMqTest(
  "a body of 20 MiB is answered, with a reply or the limit",
  async () => {
    const { client, serve } = await scene();
    await using _server = await serve(["--", "wc", "-c"]);
    const stdin = new Uint8Array(20 * MIB);
    const { code, stdout, stderr } = await client([], { stdin });
    // It depends on the limit for requests, the server's or the broker's.
    if (code === 0) assert.equal(stdout.trim(), String(20 * MIB));
    else assert.match(stderr, /resource_exhausted: .*limit|406 .*message size/);
    assert.equal((await client([""])).stdout.trim(), "0");
  },
);

rabbitMqTest("a reply of 20 MiB is cut off with an error", async () => {
  const { client, serve } = await scene();
  const args = ["head", "-c", String(20 * MIB), "/dev/zero"];
  await using _server = await serve(["--", ...args]);
  const { code, stdout, stderr } = await client([""]);
  assert.match(
    stderr,
    /failed: resource_exhausted: a reply of more than 16MiB: /,
  );
  assert.deepEqual([code, stdout], [1, ""]);
});

rabbitMqTest("credentials are not in a command's environment", async () => {
  const { client, serve } = await scene();
  await using password = await temporaryFile("guest");
  const env = {
    AMQP_URL: "amqp://bob:secret@elsewhere",
    RABBIT_RPC_URL: "amqp://ann:secret@elsewhere",
    RABBIT_RPC_PASSWORD_FILE: password.path,
    RABBIT_RPC_GRACE: "10s",
    GREETING: "hello",
  };
  await using _server = await serve(["--", "env"], { env });
  const { stdout } = await client([""]);
  assert.match(stdout, /^GREETING=hello$/m);
  assert.match(stdout, /^PATH=./m);
  assert.doesNotMatch(stdout, /secret|_URL=|PASSWORD_FILE|GRACE/);
});

/** What a command runs that tells its process group, and does not end. */
const ENDLESS = ["--", "sh", "-c", "echo $$ >&2; sleep 300 & sleep 300 | cat"];

/** The process group of the first command that runs. */
async function commandGroup(server: Running): Promise<number> {
  const line = await server.waitFor(/^rabbit-rpc: sh: \d+$/, "stderr");
  return Number(line.match(/\d+$/)![0]);
}

rabbitMqTest("a command whose time is up ends with all its children", {
  needs,
}, async () => {
  const { client, serve } = await scene();
  await using server = await serve(["--handler-timeout", "500ms", ...ENDLESS]);
  const { code, stderr } = await client(["x"]);
  assert.match(stderr, /deadline_exceeded: .*limit of 500ms/);
  assert.equal(code, 124);
  await groupEnd(await commandGroup(server));
});

rabbitMqTest("a command whose call is canceled ends", { needs }, async () => {
  const { startClient, serve } = await scene();
  await using server = await serve(ENDLESS);
  await using client = await startClient(["x"]);
  const pgid = await commandGroup(server);
  client.kill("SIGINT");
  assert.equal((await client.result()).code, 130);
  await groupEnd(pgid);
});

rabbitMqTest("a drain lets commands end, and leaves nothing", {
  needs,
}, async () => {
  const { startClient, serve } = await scene();
  // The signal to the server, from a terminal too, is not the command's.
  const script = "echo $$ >&2; sleep 300 & read line; sleep 1; echo $line";
  await using server = await serve(["--", "sh", "-c", script]);
  await using client = await startClient(["done"]);
  const pgid = await commandGroup(server);
  server.kill("SIGINT");
  assert.equal((await client.result()).stdout, "done\n");
  assert.equal((await server.result()).code, 0);
  await groupEnd(pgid);
});

rabbitMqTest("a server that stops at once ends its commands", {
  needs,
}, async () => {
  const { startClient, serve } = await scene();
  await using server = await serve(ENDLESS);
  await using _client = await startClient(["x"]);
  const pgid = await commandGroup(server);
  server.kill("SIGTERM");
  await server.waitFor("stopping; 1 request in flight", "stderr");
  server.kill("SIGTERM");
  assert.equal((await server.result(10_000)).code, 0);
  await groupEnd(pgid);
});

/** Nobody listens there: what is wrong is found before. */
const env = { RABBIT_RPC_URL: "amqp://127.0.0.1:1" };

test("a command that does not exist is 66, at once", async () => {
  for (
    const [command, why] of [
      ["no-such-command", "there is no such command in PATH"],
      ["/nowhere/convert", "there is no executable file of that name"],
      [`${import.meta.dirname}/exec_test.ts`, "there is no executable file"],
      ["/", "there is no executable file of that name"],
      ["", "there is no such command in PATH"],
    ]
  ) {
    const args = ["server", "q", "--", command!];
    const { code, stdout, stderr } = await run(args, { env });
    const start = `rabbit-rpc: cannot run "${command}": ${why}`;
    assert.equal(stderr.slice(0, start.length), start);
    assert.match(stderr, /^[^\n]+\.\n$/);
    assert.deepEqual([code, stdout], [66, ""]);
  }
});
