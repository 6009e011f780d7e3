// Where settings come from, and where passwords must not go.

import { startBroker } from "../../../src/broker/broker.ts";
import { test } from "../../support/needs.ts";
import assert from "node:assert/strict";
import { freePort } from "../../support/ports.ts";
import type { Result } from "../../support/process.ts";
import { run, start } from "../../support/program.ts";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";
import { fakeServer } from "../fake_server.ts";
import { scene, temporaryFile } from "../scene.ts";

const NOWHERE = "amqp://127.0.0.1:1";

rabbitMqTest(
  "the URL: a flag, RABBIT_RPC_URL, AMQP_URL, in this order",
  async () => {
    const { url, queue, serve } = await scene();
    await using _server = await serve(["--builtin", "echo"]);
    const wins: [string[], Record<string, string>][] = [
      [["-u", url], { RABBIT_RPC_URL: NOWHERE, AMQP_URL: NOWHERE }],
      [[], { RABBIT_RPC_URL: url, AMQP_URL: NOWHERE }],
      [[], { AMQP_URL: url }],
    ];
    for (const [flags, env] of wins) {
      const { code, stderr } = await run(["client", ...flags, queue, "x"], {
        env,
      });
      assert.deepEqual([code, stderr], [0, ""]);
    }
  },
);

rabbitMqTest("of several brokers the first that answers is taken", async () => {
  const { url } = await sharedRabbitMq();
  const down = `amqp://127.0.0.1:${freePort()}`;
  const { client, serve } = await scene({ url: `${down},${url}` });
  await using _server = await serve(["--builtin", "echo"]);
  const { code, stdout, stderr } = await client(["x"]);
  assert.deepEqual([code, stdout, stderr], [0, "x", ""]);
});

rabbitMqTest("a time-out from the environment; a flag wins", async () => {
  const { url, queue, client } = await scene();
  await using _server = await fakeServer(url, queue);
  const env = { RABBIT_RPC_TIMEOUT: "1250ms" };
  const fromEnv = await client(["1"], { env });
  assert.match(fromEnv.stderr, / within 1.25s; /);
  const fromFlag = await client(["-t", "1350ms", "1"], { env });
  assert.match(fromFlag.stderr, / within 1.35s; /);
  assert.deepEqual([fromEnv.code, fromFlag.code], [124, 124]);
});

rabbitMqTest("flags without a value from the environment", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const env = { RABBIT_RPC_LINES: "1", RABBIT_RPC_JSON: "true" };
  const { code, stdout } = await client([], { env, stdin: "a\nb" });
  const bodies = stdout.trim().split("\n").map((line) => JSON.parse(line).body);
  assert.deepEqual([code, bodies], [0, ["a", "b"]]);
});

rabbitMqTest("--verbose tells of the connection, on stderr", async () => {
  const { url, client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const { code, stdout, stderr } = await client(["-v", "x"]);
  const at = new URL(url).host;
  assert.deepEqual(
    [code, stdout, stderr],
    [0, "x", `rabbit-rpc: connected to ${at}\n`],
  );
});

rabbitMqTest("a password from a file or from stdin", async () => {
  const { queue, url, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  await using file = await temporaryFile("guest\n");
  await using crlf = await temporaryFile("guest\r\n");
  // The one in the URL is wrong, and must not be taken.
  const wrong = url.replace("guest:guest@", "guest:wrong@");
  for (const path of [file.path, crlf.path, "-"]) {
    const args = ["client", "-u", wrong, "--password-file", path, queue, "x"];
    const stdin = path === "-" ? "guest\n" : undefined;
    const { code, stdout, stderr } = await run(args, { stdin });
    assert.deepEqual([code, stdout, stderr], [0, "x", ""]);
  }
  const missing = ["--password-file", "/nowhere/at-all"];
  const { code, stderr } = await run(["client", ...missing, queue, "x"]);
  assert.match(stderr, /^rabbit-rpc: cannot read "\/nowhere\/at-all": /);
  assert.equal(code, 66);
});

/** Nothing that was said holds a part of a password as used below. */
function keepsSecret({ code, stdout, stderr }: Result, expected: number): void {
  assert.doesNotMatch(stdout + stderr, /s3cr3t|hush/);
  assert.match(stderr, /^rabbit-rpc: /);
  assert.equal(code, expected, stderr);
}

rabbitMqTest(
  "a wrong password is not shown, nor one that can't be used",
  async () => {
    const { port } = await sharedRabbitMq();
    const verbose = ["-v", "-t", "2s", "q", "x"];
    const client = (url: string) => run(["client", "-u", url, ...verbose]);
    const at = `127.0.0.1:${port}`;
    keepsSecret(await client(`amqp://guest:s3cr3t@${at}`), 77);
    keepsSecret(await client(`amqp://guest:s3cr3t@${at}/nope`), 77);
    keepsSecret(await client(`amqp://guest:hush,s3cr3t@${at}`), 77);
    keepsSecret(await client(`amqp://guest:s3cr3t@127.0.0.1:1`), 75);
    keepsSecret(await client(`amqps://guest:s3cr3t@${at}`), 76);
    await using file = await temporaryFile("s3cr3t");
    const fromFile = ["-u", `amqp://${at}`, "--password-file", file.path];
    keepsSecret(await run(["client", ...fromFile, ...verbose]), 77);
    const args = [
      "-u",
      `amqp://guest:s3cr3t@${at}`,
      "-v",
      "q",
      "--builtin",
      "fib",
    ];
    keepsSecret(await run(["server", ...args]), 77);
  },
);

const MALFORMED = [
  "http://bob:s3cr3t@broker",
  "bob:s3cr3t@broker",
  "amqp://bob:s3cr3t@broker:port",
  "amqp://bob:hush/s3cr3t@broker",
  "amqp://bob:hush@s3cr3t@bro ker",
  "amqp://bob:hush#s3cr3t@broker",
  "amqp://bob:s3cr3t%@broker/%E0%A4%A",
  "amqp://bob:s3cr3t%E0%A4%A@broker",
  "amqp://bob:s3cr3t",
];

for (const url of MALFORMED) {
  test(`a malformed URL is told without its password: ${url}`, async () => {
    keepsSecret(await run(["client", "-v", "-u", url, "q", "x"]), 64);
    keepsSecret(
      await run(["client", "-v", "q", "x"], { env: { AMQP_URL: url } }),
      64,
    );
    const { stdout, stderr } = await run(["client", "--help"], {
      env: { AMQP_URL: url, RABBIT_RPC_URL: url },
    });
    assert.doesNotMatch(stdout + stderr, /s3cr3t|hush/);
  });
}

test("an empty variable counts as not set", async () => {
  const env: Record<string, string> = { FORCE_COLOR: "" };
  for (const name of ["URL", "TIMEOUT", "JSON", "CONTEXT", "PASSWORD_FILE"]) {
    env[`RABBIT_RPC_${name}`] = "";
  }
  const { stdout } = await run(["client", "--help"], { env });
  assert.doesNotMatch(stdout, /set by/);
  const { code, stderr } = await run(["client", "q", "x"], {
    env: { ...env, AMQP_URL: NOWHERE },
  });
  assert.match(stderr, /^rabbit-rpc: cannot reach a broker at 127.0.0.1:1 /);
  assert.equal(code, 75);
  await using broker = await startBroker({ port: 0 });
  const url = { RABBIT_RPC_URL: "", AMQP_URL: broker.url };
  assert.equal((await run(["status"], { env: url })).code, 0);
  const both = { RABBIT_RPC_URL: broker.url, AMQP_URL: "" };
  assert.equal((await run(["status"], { env: both })).code, 0);
});

test("durations in hours and days, longer than any timer", async () => {
  await using broker = await startBroker({ port: 0 });
  for (const long of ["1h", "7d", "40000m", "90000m"]) {
    const { code, stderr } = await run(["status", "-t", long], {
      env: { AMQP_URL: broker.url },
    });
    assert.deepEqual([code, stderr], [0, ""], long);
  }
});

test("a pause longer than any timer is one", async () => {
  await using broker = await startBroker({ port: 0 });
  const args = ["status", "-u", broker.url, "--watch", "--json"];
  await using status = await start([...args, "--interval", "40000m"]);
  await status.waitFor("rtt_ms");
  // Meanwhile a client comes and goes.
  assert.equal((await run(["status", "-u", broker.url])).code, 0);
  status.kill("SIGINT");
  const { code, stdout } = await status.result();
  assert.deepEqual([code, stdout.trim().split("\n").length], [130, 1]);
});

test("a switch in the environment is off for 0, false, no and nothing", async () => {
  for (const value of ["", "0", "false", "no"]) {
    const env = { RABBIT_RPC_JSON: value };
    const { stdout } = await run(["client", "-u", NOWHERE, "q", "x"], { env });
    assert.equal(stdout, "", value);
  }
  const env = { RABBIT_RPC_JSON: "1" };
  const { stdout } = await run(["client", "-u", NOWHERE, "q", "x"], { env });
  assert.equal(JSON.parse(stdout).ok, false);
});
