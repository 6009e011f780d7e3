// Settings from a context of the configuration file.

import assert from "node:assert/strict";
import { test } from "../../support/needs.ts";
import type { Result } from "../../support/process.ts";
import { run } from "../../support/program.ts";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";
import { fakeServer } from "../fake_server.ts";
import { scene, uniqueQueue } from "../scene.ts";

const NOWHERE = "amqp://127.0.0.1:1";

/** A configuration of a test's own. */
interface Config extends AsyncDisposable {
  readonly path: string;
  /** Runs the program with it. */
  run(args: string[], env?: Record<string, string>): Promise<Result>;
}

async function config(text: string, mode = 0o600): Promise<Config> {
  const home = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  await Deno.mkdir(`${home}/rabbit-rpc`);
  const path = `${home}/rabbit-rpc/config.toml`;
  await Deno.writeTextFile(path, text, { mode });
  const found = { XDG_CONFIG_HOME: home };
  return {
    path,
    run: (args, env) => run(args, { env: { ...found, ...env } }),
    [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }),
  };
}

rabbitMqTest("a flag, RABBIT_RPC_*, the context, in this order", async () => {
  const { url, queue } = await scene();
  await using _server = await fakeServer(url, queue);
  await using file = await config(
    `[test]\nurl = "${url}"\ntimeout = "250ms"\ngrace = "1s"\n`,
  );
  const args = ["client", "--context", "test", queue, "1"];
  // What is for everybody comes after what was asked for.
  const context = await file.run(args, { AMQP_URL: NOWHERE });
  assert.match(context.stderr, / within 250ms; /);
  const env = { RABBIT_RPC_TIMEOUT: "350ms" };
  assert.match((await file.run(args, env)).stderr, / within 350ms; /);
  const flag = await file.run([...args, "-t", "450ms"], env);
  assert.match(flag.stderr, / within 450ms; /);
  const named = await file.run(["client", queue, "1"], {
    RABBIT_RPC_CONTEXT: "test",
  });
  assert.match(named.stderr, / within 250ms; /);
});

rabbitMqTest("switches, numbers, and flags that may be repeated", async () => {
  const { url, queue } = await scene();
  await using server = await fakeServer(url, queue, (request, server) => {
    server.answer(request, "x");
  });
  await using file = await config(
    `[test]\njson = true\nretries = 2\nheader = ["a:1", "b:2"]\n`,
  );
  const args = ["client", "-u", url, "--context", "test", queue, "1"];
  const { code, stdout } = await file.run(args);
  assert.deepEqual([code, JSON.parse(stdout).body], [0, "x"]);
  const { headers, messageId } = server.requests[0]!.properties;
  assert.deepEqual([headers!.a, headers!.b], ["1", "2"]);
  assert.ok(messageId, "no retries");
  const off = await file.run(args, { RABBIT_RPC_JSON: "0" });
  assert.deepEqual([off.code, off.stdout], [0, "x"]);
});

rabbitMqTest("the password of a context is for its own broker", async () => {
  const { url, ctl } = await sharedRabbitMq();
  const user = uniqueQueue();
  await ctl("add_user", user, "s3cr3t");
  await ctl("set_permissions", user, ".*", ".*", ".*");
  const login = new URL(url);
  login.username = user;
  login.password = "";
  await using file = await config(
    `[test]\nurl = "${login.href}"\npassword = "s3cr3t"\n`,
  );
  const status = ["status", "--context", "test"];
  assert.equal((await file.run(status)).code, 0);
  // The same user at what may be another broker: no password goes there.
  const elsewhere = await file.run([...status, "-u", login.href]);
  assert.match(elsewhere.stderr, /login refused/);
  const other = { RABBIT_RPC_PASSWORD: "other" };
  assert.equal((await file.run(status, other)).code, 77);
});

test("context list and show, without secrets", async () => {
  await using file = await config(`
[prod]
url = "amqps://bob:s3cr3t@mq-1,amqps://bob:s3cr3t@mq-2/v"
timeout = "2m"
header = "authorization:s3cr3t"
concurrency = 8
[test]
password = "s3cr3t"
json = true
`);
  const list = await file.run(["context", "list"]);
  assert.deepEqual(
    [list.code, list.stdout, list.stderr],
    [0, "prod\ntest\n", ""],
  );
  const prod = await file.run(["context", "show", "prod"]);
  assert.equal(
    prod.stdout,
    '[prod]\nurl = "amqps://bob:***@mq-1,amqps://bob:***@mq-2/v"\n' +
      'timeout = "2m"\nheader = "***"\nconcurrency = 8\n',
  );
  const shown = await file.run(["context", "show", "test"]);
  assert.equal(shown.stdout, '[test]\npassword = "***"\njson = true\n');
  const unknown = await file.run(["context", "show", "tset"]);
  assert.equal(
    unknown.stderr,
    `rabbit-rpc: no context "tset" in ${file.path} (available: prod, test).\n`,
  );
  assert.equal(unknown.code, 64);
  assert.equal((await file.run(["context", "show"])).code, 64);
  assert.equal((await file.run(["context", "list", "prod"])).code, 64);
});

test("context show shows nothing that it does not understand", async () => {
  const secret = ["sesame-1", "sesame-2", "sesame-3", "sesame-4", "sesame-5"];
  const urls = [
    `"bob:${secret[0]}@mq"`,
    `"amqp:/bob:${secret[0]}@mq"`,
    `"amqp://bob:${secret[0]}@mq-1,bob:${secret[1]}@mq-2"`,
    `"amqp://mq-1,bob:${secret[1]}@mq-2"`,
    `["amqp://bob:${secret[0]}@mq-1", "amqps://bob:${secret[1]}@mq-2"]`,
    `["amqp://mq-1", "bob:${secret[0]}@mq-2", "amqp:/bob:${secret[1]}@mq-3"]`,
    `{ password = "${secret[0]}" }`,
    `[["amqp://bob:${secret[0]}@mq-1"]]`,
  ];
  for (const url of urls) {
    await using file = await config(`
[prod]
url = ${url}
pasword = "${secret[2]}"
URL = "amqp://bob:${secret[3]}@mq"
servername = "amqp://bob:${secret[3]}@mq"
type = { of = "${secret[4]}" }
[prod.login]
password = "${secret[4]}"
`);
    const { code, stdout } = await file.run(["context", "show", "prod"]);
    assert.equal(code, 0);
    for (const word of secret) assert.equal(stdout.includes(word), false, url);
    assert.match(stdout, /^pasword = "\*\*\*" {2}# there is no flag/m);
    assert.match(stdout, /^servername = "amqp:\/\/bob:\*\*\*@mq"$/m);
  }
});

rabbitMqTest("a list of URLs is one for several brokers", async () => {
  const { url } = await sharedRabbitMq();
  const queue = uniqueQueue();
  for (const list of [`"${NOWHERE}", "${url}"`, `"${url}", "${NOWHERE}"`]) {
    await using file = await config(`[test]\nurl = [${list}]\n`);
    const { stdout } = await file.run([
      "status",
      "--context",
      "test",
      queue,
      "--json",
    ]);
    assert.equal(JSON.parse(stdout).queues[0].exists, false);
  }
});

test("a list where a flag takes one value is a mistake", async () => {
  await using file = await config(`[test]\ntimeout = ["1s", "2s"]\n`);
  const args = ["client", "-u", "amqp://127.0.0.1:1", "--context", "test", "q"];
  const { code, stderr } = await file.run([...args, "x"]);
  assert.match(stderr, /context "test", timeout: it can't be a list\.\n$/);
  assert.equal(code, 65);
});

test("a warning where others can read secrets, and only there", async () => {
  const secret = `[test]\nurl = "amqp://bob:s3cr3t@127.0.0.1:1"\n`;
  const plain = `[test]\nurl = "${NOWHERE}"\n`;
  const warns = async (text: string, mode: number) => {
    await using file = await config(text, mode);
    await Deno.chmod(file.path, mode);
    const { stderr } = await file.run(["status", "--context", "test"]);
    assert.match(stderr, /cannot reach a broker/);
    assert.equal(stderr.includes("s3cr3t"), false);
    return stderr.startsWith(
      `rabbit-rpc: other users can read the secrets in ${file.path}: chmod 600 it\n`,
    );
  };
  assert.equal(await warns(secret, 0o644), true);
  assert.equal(await warns(secret, 0o600), false);
  assert.equal(await warns(plain, 0o644), false);
});

test("help tells where values come from", async () => {
  await using file = await config(`[test]\ntimeout = "2m"\nretries = 1\n`);
  const { stdout } = await file.run(
    ["client", "--context", "test", "--help"],
    { RABBIT_RPC_RETRIES: "3" },
  );
  const help = stdout.replace(/\s+/g, " ");
  assert.match(help, /RABBIT_RPC_TIMEOUT\) \[set by context "test"\]/);
  assert.match(help, /RABBIT_RPC_RETRIES\) \[set by RABBIT_RPC_RETRIES\]/);
  assert.equal(help.match(/\[set by/g)!.length, 2);
});

/** A file, and what is said of it after its name. */
const MISTAKES: [string, string][] = [
  ['[test]\ntiemout = "1s"', ', context "test": there is no flag --tiemout'],
  ['[test]\ncontext = "x"', ', context "test": there is no flag --context'],
  [
    '[test]\ntimeout = "soon"',
    ', context "test", timeout: It must be a duration such as 500ms, 30s, 2m, 1h or 7d',
  ],
  [
    "[test]\ntimeout = true",
    ', context "test", timeout: it must be a string or a number',
  ],
  ['[test]\njson = "yes"', ', context "test", json: it must be true or false'],
  [
    "[test]\npassword = false",
    ', context "test", password: it must be a string or a number',
  ],
  [
    'url = "x"',
    ': "url" is not a context; a context is a section such as [prod]',
  ],
  [
    '[test]\npassword = "s3cr3t',
    ", line 2, column 12: Invalid TOML document: unfinished string",
  ],
];

for (const [text, mistake] of MISTAKES) {
  test(`a mistake in the configuration is 65${mistake}`, async () => {
    await using file = await config(text);
    const args = ["client", "--context", "test", "-u", NOWHERE, "q", "1"];
    const { code, stdout, stderr } = await file.run(args);
    assert.equal(stderr, `rabbit-rpc: ${file.path}${mistake}.\n`);
    assert.deepEqual([code, stdout], [65, ""]);
  });
}

test("no file is 66, a wrong value from the environment tells so", async () => {
  const args = ["client", "--context", "test", "-u", NOWHERE, "q", "1"];
  const env = { XDG_CONFIG_HOME: "/nowhere" };
  const missing = await run(args, { env });
  assert.equal(
    missing.stderr,
    'rabbit-rpc: cannot read the configuration "/nowhere/rabbit-rpc/' +
      'config.toml": No such file or directory.\n',
  );
  assert.equal(missing.code, 66);
  const homeless = await run(args, { env: { XDG_CONFIG_HOME: "", HOME: "" } });
  assert.match(homeless.stderr, /set XDG_CONFIG_HOME or HOME/);
  assert.equal(homeless.code, 64);
  const timeout = { RABBIT_RPC_TIMEOUT: "soon" };
  const named = await run(["client", "q", "1"], { env: timeout });
  assert.match(named.stderr, /--timeout.*'RABBIT_RPC_TIMEOUT' is invalid/);
  const other = await run(["client", "q", "1"], { env: { AMQP_URL: "mq" } });
  assert.match(other.stderr, / \(from AMQP_URL\)\.\n$/);
  assert.deepEqual([named.code, other.code], [64, 64]);
});
