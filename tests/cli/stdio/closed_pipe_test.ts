// `rabbit-rpc ... | head -1`: a reader that has seen enough is no error.

import assert from "node:assert/strict";
import { runProcess, startProcess } from "../../support/process.ts";
import { commandLine } from "../../support/program.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { waitUntil } from "../../support/wait.ts";
import { numberLines, scene } from "../scene.ts";

/** Runs "$@" into head, and tells its status. SIGPIPE may end it: 141. */
const INTO_HEAD = ["-c", '{ "$@"; echo "status $?" >&2; } | head -1', "sh"];
const QUIETLY = /^status (0|141)\n$/;

rabbitMqTest("a batch into head -1 ends quietly", async () => {
  const { url, queue, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const client = await commandLine(["client", "-u", url, queue, "-l"]);
  const { stdout, stderr } = await runProcess("sh", [...INTO_HEAD, ...client], {
    stdin: numberLines(1, 50_000),
  });
  assert.equal(stdout, "1\n");
  assert.match(stderr, QUIETLY);
});

rabbitMqTest("a batch into head -1 ends although stdin does not", async () => {
  const { url, queue, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const client = await commandLine(["client", "-u", url, queue, "-l"]);
  await using pipeline = startProcess("sh", [...INTO_HEAD, ...client], {
    keepStdinOpen: true,
    stdin: "first\n",
  });
  await pipeline.waitFor("first");
  await waitUntil("the client to notice", async () => {
    if (pipeline.stderr() !== "") return true;
    try {
      await pipeline.write("one more\n");
    } catch (error) {
      // It has ended, and we have yet to read what it said last.
      if (error instanceof Deno.errors.BrokenPipe) return true;
      throw error;
    }
  }, 20_000);
  assert.match((await pipeline.result()).stderr, QUIETLY);
});

rabbitMqTest("a single reply that nobody reads ends quietly", async () => {
  const { url, queue, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const args = ["client", "-u", url, queue];
  const script = '{ "$@"; echo "status $?" >&2; } | true';
  const client = await commandLine(args);
  const { stderr } = await runProcess("sh", ["-c", script, "sh", ...client], {
    stdin: new Uint8Array(1_000_000),
  });
  assert.match(stderr, QUIETLY);
});

rabbitMqTest("a server whose lines nobody reads serves on", async () => {
  const { url, queue, client } = await scene();
  const args = ["server", "-u", url, queue, "--builtin", "echo"];
  // The shell's end would leave the server behind: it tells its process.
  const named = ["sh", "-c", 'echo "pid $$" >&2; exec "$@"', "sh"];
  const server = [...named, ...await commandLine(args)];
  await using pipeline = startProcess("sh", [...INTO_HEAD, ...server]);
  const pid = Number((await pipeline.waitFor("pid ", "stderr")).slice(4));
  await pipeline.waitFor("Awaiting");
  for (const body of ["a", "b", "c"]) {
    const { code, stdout, stderr } = await client([body]);
    assert.deepEqual([code, stdout, stderr], [0, body, ""]);
  }
  assert.equal(pipeline.stderr(), `pid ${pid}\n`);
  Deno.kill(pid, "SIGTERM");
  assert.match((await pipeline.result()).stderr, /\nstatus 0\n$/);
});
