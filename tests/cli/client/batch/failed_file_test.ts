// Batches that fail in part: --failed, --fail-fast, the summary.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { ConsumeMessage } from "amqplib";
import { test } from "../../../support/needs.ts";
import { run } from "../../../support/program.ts";
import { runProcess } from "../../../support/process.ts";
import { commandLine } from "../../../support/program.ts";
import { rabbitMqTest } from "../../../support/rabbitmq.ts";
import { waitUntil } from "../../../support/wait.ts";
import { type FakeServer, fakeServer } from "../../fake_server.ts";
import { scene, temporaryFile } from "../../scene.ts";

const NOWHERE = ["client", "-u", "amqp://127.0.0.1:1", "q"];

/** Answers as a procedure that has thrown. */
function refuse(request: ConsumeMessage, { channel }: FakeServer): void {
  const { replyTo, correlationId } = request.properties;
  const problem = JSON.stringify({ code: "aborted", detail: "not today" });
  channel.sendToQueue(replyTo, Buffer.from(problem), {
    correlationId,
    type: "error",
    contentType: "application/problem+json",
  });
}

/** Refuses what begins with `!` as long as `strict` holds; echoes the rest. */
async function strictServer(url: string, queue: string) {
  const state = { strict: true };
  const server = await fakeServer(url, queue, (request, server) => {
    const { content } = request;
    if (state.strict && content[0] === 33) refuse(request, server);
    else server.answer(request, content);
  });
  return { server, state };
}

rabbitMqTest("a failed batch is resumed from --failed", async () => {
  const { url, queue, client } = await scene();
  const { server, state } = await strictServer(url, queue);
  await using _server = server;
  await using failed = await temporaryFile("of an earlier batch\n");
  await using again = await temporaryFile("");
  // Bytes that are no UTF-8, a carriage return, and no newline at the end.
  const stdin = Buffer.concat([
    Buffer.from("1\n!"),
    Uint8Array.of(0xff, 0, 13, 10),
    Buffer.from("2\n!last"),
  ]);
  const first = await client(["-l", "--failed", failed.path], { stdin });
  assert.deepEqual([first.code, first.stdout], [3, "1\n\n2\n\n"]);
  const failures = await Deno.readFile(failed.path);
  const expected = [33, 0xff, 0, 13, 10, ...Buffer.from("!last\n")];
  assert.deepEqual([...failures], expected);

  state.strict = false;
  const second = await client(["-l", "--failed", again.path], {
    stdin: failures,
  });
  assert.deepEqual([second.code, second.stderr], [0, ""]);
  assert.deepEqual([...second.stdoutBytes], expected);
  assert.equal(await Deno.readTextFile(again.path), "");
});

rabbitMqTest(
  "--failed has ndjson lines as they were, bad ones too",
  async () => {
    const { url, queue, client } = await scene();
    const { server } = await strictServer(url, queue);
    await using _server = server;
    await using failed = await temporaryFile("");
    const bad = ['{ "body" : "!1", "id": 1 }', "}"];
    const stdin = `${bad[0]}\n{"body":"fine"}\n${bad[1]}\n`;
    const args = ["--input", "ndjson", "--failed", failed.path];
    const { code, stdout } = await client(args, { stdin });
    assert.deepEqual([code, stdout], [3, "\nfine\n\n"]);
    assert.equal(await Deno.readTextFile(failed.path), `${bad.join("\n")}\n`);
  },
);

rabbitMqTest("--failed is written while the batch goes on", async () => {
  const { url, queue, startClient } = await scene();
  const { server } = await strictServer(url, queue);
  await using _server = server;
  await using failed = await temporaryFile("");
  await using client = await startClient(["-l", "--failed", failed.path], {
    stdin: "!1\n",
    keepStdinOpen: true,
  });
  await waitUntil(
    "the line to be written",
    async () => await Deno.readTextFile(failed.path) === "!1\n",
    20_000,
  );
  client.kill("SIGKILL");
  assert.equal((await client.result()).code, 137);
  assert.equal(await Deno.readTextFile(failed.path), "!1\n");
});

test("--failed refuses the file that is the input, and leaves it", async () => {
  await using input = await temporaryFile("1\n2\n");
  const link = `${input.path}.link`;
  await Deno.symlink(input.path, link);
  try {
    const client = await commandLine([...NOWHERE, "-l", "--failed", link]);
    const script = 'input=$1; shift; exec "$@" < "$input"';
    const { code, stdout, stderr } = await runProcess("sh", [
      ...["-c", script, "sh", input.path],
      ...client,
    ]);
    assert.match(stderr, /^rabbit-rpc: [^\n]*is the input itself[^\n]*\n$/);
    assert.deepEqual([code, stdout], [64, ""]);
    assert.equal(await Deno.readTextFile(input.path), "1\n2\n");
  } finally {
    await Deno.remove(link);
  }
});

test("--failed that can't be written is 66, before anything is sent", async () => {
  const path = "/no/such/folder/failed";
  const args = [...NOWHERE, "-l", "--failed", path];
  const { code, stdout, stderr } = await run(args, { stdin: "1\n" });
  assert.equal(
    stderr,
    `rabbit-rpc: cannot write "${path}": No such file or directory.\n`,
  );
  assert.deepEqual([code, stdout], [66, ""]);
});

rabbitMqTest("--fail-fast sends no more, and waits for the rest", async () => {
  const { url, queue, client } = await scene();
  await using server = await fakeServer(url, queue, (request, server) => {
    const { requests } = server;
    // The first two are in flight when the second fails.
    if (requests.length !== 2) return;
    refuse(request, server);
    server.answer(requests[0]!, "one");
  });
  const args = ["-l", "-c", "2", "--fail-fast", "--unordered"];
  const { code, stdout, stderr } = await client(args, {
    stdin: "1\n2\n3\n4\n",
  });
  assert.deepEqual([code, server.requests.length], [3, 2]);
  assert.equal(stdout, "\none\n");
  assert.equal(
    stderr,
    "rabbit-rpc: line 2 of stdin: procedure failed: aborted: not today.\n" +
      "rabbit-rpc: stopped at the first failure, after line 2 of stdin\n",
  );
});

rabbitMqTest("--unordered prints answers as they come", async () => {
  const { url, queue, client } = await scene();
  await using _server = await fakeServer(url, queue, (_, server) => {
    if (server.requests.length !== 3) return;
    for (const each of [...server.requests].reverse()) {
      server.answer(each, each.content);
    }
  });
  const stdin = "1\n2\n3\n";
  const text = await client(["-l", "--unordered"], { stdin });
  assert.deepEqual([text.code, text.stdout], [0, "3\n2\n1\n"]);
});

rabbitMqTest("-v: a summary, with what failed", async () => {
  const { url, queue, client } = await scene();
  const { server } = await strictServer(url, queue);
  await using _server = server;
  const { code, stderr } = await client(["-l", "-v"], { stdin: "1\n!2\n3\n" });
  assert.equal(code, 3);
  assert.match(
    stderr.trimEnd().split("\n").at(-1)!,
    /^rabbit-rpc: 3 requests in \S+ \([\d,]+\/s\): 2 answered, 1 failed \(1 aborted\)$/,
  );
});
