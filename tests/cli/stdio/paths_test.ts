// Files that are streams of the program: /dev/stdin, /dev/stdout, /dev/fd/N.

import assert from "node:assert/strict";
import { startBroker } from "../../../src/broker/broker.ts";
import { test } from "../../support/needs.ts";
import { runProcess } from "../../support/process.ts";
import { commandLine, run, start } from "../../support/program.ts";
import { temporaryFile } from "../scene.ts";

/** A broker with a server of queue "q"; its users are what is told. */
async function served() {
  const broker = await startBroker();
  const at = ["-u", broker.url, "q"];
  const server = await start(["server", ...at, "--builtin", "fib"]);
  await server.waitFor("Awaiting");
  return {
    at,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** Runs a script of bash, where "$@" is the program with these arguments. */
async function shell(script: string, args: string[]) {
  const command = await commandLine(args);
  return await runProcess("bash", ["-c", script, "bash", ...command]);
}

test("stdin by any of its names", async () => {
  await using queue = await served();
  for (const name of ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]) {
    const client = ["client", ...queue.at];
    const body = await run([...client, `@${name}`], { stdin: "30" });
    assert.deepEqual([body.code, body.stdout], [0, "832040"], name);
    const password = ["--password-file", name];
    const login = await run([...client, ...password, "7"], {
      stdin: "guest\n",
    });
    assert.deepEqual([login.code, login.stdout], [0, "13"], name);
    const both = await run([...client, ...password, `@${name}`], {
      stdin: "7",
    });
    assert.match(both.stderr, /stdin can't be both the password and the requ/);
    assert.equal(both.code, 64);
  }
});

test("stdin can't be two files of the flags", async () => {
  const url = ["-u", "amqps://127.0.0.1:1"];
  const files = ["--cacert", "/dev/stdin", "--key", "/dev/fd/0"];
  const { code, stderr } = await run(["status", ...url, ...files], {
    stdin: "x",
  });
  assert.match(stderr, /stdin can be used for only one file/);
  assert.equal(code, 64);
});

test("a pipe that the shell opens is read", async () => {
  await using queue = await served();
  const client = ["client", ...queue.at];
  const body = await shell('"$@" @<(echo -n 30)', client);
  assert.deepEqual([body.code, body.stdout], [0, "832040"]);
  const password = await shell('"$@" 7 --password-file <(echo guest)', client);
  assert.deepEqual([password.code, password.stdout], [0, "13"]);
  await using file = await temporaryFile("30");
  const other = await shell(`"$@" @/dev/fd/3 3<'${file.path}'`, client);
  assert.equal(
    other.stderr,
    'rabbit-rpc: cannot read "/dev/fd/3": Deno opens it only with ' +
      "--allow-all, unless it is a pipe.\n",
  );
  assert.equal(other.code, 66);
});

test("reports and failures go to stdout, stderr or a pipe by name", async () => {
  await using queue = await served();
  const bench = ["bench", ...queue.at, "--calls", "5", "--format", "json"];
  for (
    const [name, stream] of [["out", "stdout"], ["err", "stderr"]] as const
  ) {
    const { code, ...streams } = await run([...bench, "-o", `/dev/std${name}`]);
    assert.deepEqual([code, JSON.parse(streams[stream]).calls], [0, 5]);
  }
  const batch = ["client", ...queue.at, "-l", "-q", "--failed"];
  for (const name of ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]) {
    const { code, stdout } = await run([...batch, name], { stdin: "x\n7\n" });
    assert.equal(code, 3);
    assert.deepEqual(stdout.split("\n").sort(), ["", "", "13", "x"]);
  }
  const piped = await shell(
    `printf 'x\\n7\\n' | { "$@" /dev/fd/3 3>&1 >/dev/null; } | cat`,
    batch,
  );
  assert.equal(piped.stdout, "x\n");
});
