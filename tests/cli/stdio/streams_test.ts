// stdout and stderr that can't be written, or that nobody reads; a stdin that
// can't be read.

import { runProcess, startProcess } from "../../support/process.ts";
import { commandLine } from "../../support/program.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { test } from "../../support/needs.ts";
import { awaiting, numberLines, onceReady, scene } from "../scene.ts";
import assert from "node:assert/strict";

/** Runs "$@" in a shell that redirects as told. */
async function redirected(
  redirection: string,
  args: string[],
  stdin?: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = `"$@" ${redirection}`;
  const command = ["-c", script, "bash", ...await commandLine(args)];
  return await runProcess("bash", command, { stdin });
}

/** A named pipe with room for 64 KiB, which nobody reads unless asked to. */
async function unreadPipe() {
  const dir = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  const path = `${dir}/pipe`;
  await runProcess("mkfifo", [path]);
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

const FULL = "cannot write to stdout: No space left on device.";

test("a full disk as stdout is a sentence and status 74", async () => {
  const commands = [["--help"], ["--version"], ["client", "--help"], [
    "completions",
    "bash",
  ]];
  for (const args of commands) {
    const { code, stderr } = await redirected(">/dev/full", args);
    assert.deepEqual([code, stderr], [74, `rabbit-rpc: ${FULL}\n`], args[0]);
  }
});

test("a directory as stdin is a sentence and status 74", async () => {
  const url = "amqp://127.0.0.1:1";
  for (const args of [[], ["--lines"], ["--input", "ndjson", "--dry-run"]]) {
    const command = ["client", "--url", url, "nowhere", ...args];
    const { code, stderr } = await redirected("</tmp", command);
    const message = "rabbit-rpc: cannot read stdin: Is a directory.\n";
    assert.deepEqual([code, stderr], [74, message], args.join(" "));
  }
});

rabbitMqTest("results that can't be written end in status 74", async () => {
  const { url, queue, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const commands = [
    ["client", "-u", url, queue, "one"],
    ["client", "-u", url, queue, "one", "--json"],
    ["client", "-u", url, queue, "--lines"],
    ["status", "-u", url, queue],
    ["status", "-u", url, queue, "--watch"],
    ["bench", "-u", url, queue, "--calls", "10", "--quiet"],
  ];
  for (const args of commands) {
    const { code, stderr } = await redirected(
      ">/dev/full",
      args,
      numberLines(1, 3),
    );
    assert.deepEqual([code, stderr], [74, `rabbit-rpc: ${FULL}\n`], args[0]);
  }
});

rabbitMqTest(
  "a batch whose stderr is lost has its answers and status",
  async () => {
    const { url, queue, serve } = await scene();
    await using _server = await serve(["--builtin", "fib"]);
    const args = ["client", "-u", url, queue, "--lines"];
    for (const redirection of ["2>/dev/full", "2> >(true)", "2>&-"]) {
      const { code, stdout } = await redirected(
        redirection,
        args,
        "1\nx\n3\ny\n5\n",
      );
      assert.deepEqual([code, stdout], [3, "1\n\n2\n\n5\n"], redirection);
    }
  },
);

rabbitMqTest("a server whose stderr is lost serves on", async () => {
  for (const redirection of ["2>/dev/full", "2> >(true)"]) {
    const { url, queue, client } = await scene();
    const args = ["server", "-v", "-u", url, queue, "--builtin", "fib"];
    const command = await commandLine(args);
    const script = `exec "$@" ${redirection}`;
    await using server = startProcess("bash", [
      "-c",
      script,
      "bash",
      ...command,
    ]);
    await onceReady(server, awaiting(queue));
    for (const [body, status] of [["x", 1], ["7", 0]] as const) {
      assert.equal((await client([body])).code, status, redirection);
    }
    server.kill("SIGTERM");
    assert.equal((await server.result()).code, 0, redirection);
  }
});

rabbitMqTest(
  "a server whose stderr is not read serves on, and stops when told to",
  async () => {
    await using pipe = await unreadPipe();
    const { url, queue, client } = await scene();
    // Far more for each call than a pipe holds.
    const child = ["sh", "-c", "seq -f '%0512g' 90 >&2; cat"];
    const args = ["server", "-u", url, queue, "-c", "1", "--", ...child];
    const command = await commandLine(args);
    const script = 'exec 3<>"$0"; exec "$@" 2>&3';
    await using server = startProcess("bash", [
      "-c",
      script,
      pipe.path,
      ...command,
    ]);
    await onceReady(server, awaiting(queue));
    for (let call = 0; call < 6; call++) {
      assert.equal((await client([`${call}`])).stdout, `${call}`);
    }
    server.kill("SIGTERM");
    assert.equal((await server.result()).code, 0);
  },
);

rabbitMqTest(
  "a server whose stdout is not read serves on, and tells what was lost",
  async () => {
    await using pipe = await unreadPipe();
    const { url, queue, startClient } = await scene();
    const args = ["server", "-u", url, queue, "--builtin", "echo"];
    const command = await commandLine(args);
    const script = 'exec 3<>"$0"; exec "$@" >&3';
    await using server = startProcess("bash", [
      "-c",
      script,
      pipe.path,
      ...command,
    ]);
    const lines = 30_000;
    await using client = await startClient(["--lines", "--wait", "-c", "256"], {
      stdin: numberLines(1, lines),
    });
    const { code, stdout } = await client.result(60_000);
    assert.equal(code, 0);
    assert.equal(stdout, numberLines(1, lines));
    // Now somebody reads.
    await using reader = startProcess("cat", [pipe.path]);
    await reader.waitFor("[x] Awaiting");
    await server.waitFor(/\d+ lines could not be written to stdout/, "stderr");
    server.kill("SIGTERM");
    assert.equal((await server.result()).code, 0);
  },
);
