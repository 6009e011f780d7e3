// The development broker as a subcommand, and the demo that uses it.

import assert from "node:assert/strict";
import { generationAt } from "../../broker/support/contract.ts";
import { test } from "../../support/needs.ts";
import { freePort } from "../../support/ports.ts";
import { run, start } from "../../support/program.ts";
import { temporaryFile } from "../scene.ts";

const ANY_PORT = ["--listen", "127.0.0.1:0"];

test("broker: the URL comes first, calls work, SIGTERM ends it with 0", async () => {
  await using broker = await start(["broker", ...ANY_PORT]);
  const url = await broker.waitFor(/^amqp:/);
  assert.match(url, /^amqp:\/\/guest:guest@127\.0\.0\.1:\d+$/);
  await using server = await start([
    "server",
    "-u",
    url,
    "q",
    "--builtin",
    "fib",
  ]);
  await server.waitFor("Awaiting RPC requests on q");
  const { code, stdout } = await run(["client", "-u", url, "q", "30"]);
  assert.deepEqual([code, stdout], [0, "832040"]);
  server.kill("SIGTERM");
  assert.equal((await server.result()).code, 0);
  broker.kill("SIGTERM");
  const ended = await broker.result();
  assert.deepEqual([ended.code, ended.stdout], [0, `${url}\n`]);
});

test("broker: a command finds it, and its status is ours", async () => {
  const script = 'echo "$AMQP_URL $RABBIT_RPC_URL"; exit 7';
  const command = ["broker", ...ANY_PORT, "--", "sh", "-c", script];
  const { code, stdout, stderr } = await run(command);
  const [amqp, ours] = stdout.trim().split(" ");
  assert.match(amqp!, /^amqp:\/\/guest:guest@127\.0\.0\.1:\d+$/);
  assert.equal(ours, amqp);
  assert.deepEqual([code, stderr], [7, ""]);
});

test("broker: a command that a signal ends, and one that is not there", async () => {
  const killed = ["broker", ...ANY_PORT, "--", "sh", "-c", "kill -TERM $$"];
  assert.equal((await run(killed)).code, 143);
  const missing = await run(["broker", ...ANY_PORT, "--", "no-such-command"]);
  assert.match(missing.stderr, /^rabbit-rpc: cannot run "no-such-command": /);
  assert.equal(missing.code, 127);
});

test("broker: a command that can't be run", async () => {
  await using file = await temporaryFile("not a program");
  const broker = ["broker", ...ANY_PORT, "--"];
  for (const path of [file.path, "/tmp"]) {
    const { code, stderr } = await run([...broker, path]);
    assert.equal(
      stderr,
      `rabbit-rpc: cannot run "${path}": it is not executable.\n`,
    );
    assert.equal(code, 126);
  }
});

test("broker: a user of its own, whose password is not shown", async () => {
  await using file = await temporaryFile("s3cr3t\n");
  const user = ["--user", "ann", "--password-file", file.path];
  await using broker = await start(["broker", ...ANY_PORT, ...user]);
  const url = await broker.waitFor(/^amqp:/);
  assert.match(url, /^amqp:\/\/ann:\*\*\*@127\.0\.0\.1:\d+$/);
  const plain = url.replace(":***", "");
  const password = ["--password-file", file.path];
  const known = await run(["client", "-u", plain, ...password, "q", "1"]);
  assert.match(known.stderr, /no queue "q"/);
  const guest = plain.replace("ann", "guest:guest");
  const unknown = await run(["client", "-u", guest, "q", "1"]);
  assert.match(unknown.stderr, /login refused for user "guest"/);
  assert.equal(unknown.code, 77);
});

test("broker: several users, each with a password and permissions", async () => {
  await using file = await temporaryFile("first\nsecond\n");
  const calc = "calc:^(?:calc|amq\\.gen-[^:]*)$:^amq\\.default$:calc|amq\\.gen";
  const users = ["--user", "admin", "--user", calc];
  const secrets = ["--password-file", file.path];
  await using broker = await start([
    "broker",
    ...ANY_PORT,
    ...users,
    ...secrets,
  ]);
  const url = await broker.waitFor(/^amqp:/);
  assert.match(url, /^amqp:\/\/admin:\*\*\*@/);
  const asCalc = url.replace("admin:***", "calc:second");
  const other = await run([
    "server",
    "-u",
    asCalc,
    "other",
    "--builtin",
    "echo",
  ]);
  assert.match(
    other.stderr,
    /user "calc" has no \w+ permission on queue "other"/,
  );
  assert.equal(other.code, 77);
  const asAdmin = url.replace("***", "first");
  const missing = await run(["client", "-u", asAdmin, "other", "1"]);
  assert.match(missing.stderr, /no queue "other"/);
  const wrong = await run([
    "client",
    "-u",
    url.replace("***", "second"),
    "q",
    "1",
  ]);
  assert.equal(wrong.code, 77);
});

test("broker: users and permissions that are none", async () => {
  await using file = await temporaryFile("first\nsecond\n");
  const refused = async (...args: string[]) => {
    const { code, stderr } = await run(["broker", ...ANY_PORT, ...args]);
    return `${code} ${stderr}`;
  };
  assert.match(
    await refused("--user", "a:b"),
    /^64 .*NAME:CONFIGURE:WRITE:READ/,
  );
  assert.match(await refused("--user", ""), /^64 .*It must be NAME/);
  assert.match(
    await refused("--user", "a:b:*:d"),
    /^64 .*the write permission "\*" is not a valid regular expression/,
  );
  assert.match(
    await refused("--user", "a", "--user", "a::.*:"),
    /^64 .*[Uu]ser "a" is given twice/,
  );
  assert.match(await refused("--user", "a"), /^64 .*go together/);
  const three = ["--user", "a", "--user", "b", "--user", "c"];
  assert.match(
    await refused(...three, "--password-file", file.path),
    /^65 .*must have 3 lines, one password for each user; it has 2/,
  );
});

test("broker: it behaves as the RabbitMQ asked for, and says which", async () => {
  for (
    const [flags, generation] of [
      [[], "4.3"],
      [["--as", "3.10"], "3.10"],
      [["--as", "4.0"], "4.0"],
    ] as const
  ) {
    await using broker = await start(["broker", ...ANY_PORT, ...flags]);
    const url = await broker.waitFor(/^amqp:/);
    assert.equal(await generationAt(url), generation);
  }
  const unknown = await run(["broker", ...ANY_PORT, "--as", "3.9"]);
  assert.match(unknown.stderr, /Allowed choices are 3\.10, 4\.0, 4\.3/);
  assert.equal(unknown.code, 64);
});

test("broker: virtual hosts of one's own, the first of them in the URL", async () => {
  const vhosts = ["--vhosts", "team,team/b"];
  await using broker = await start(["broker", ...ANY_PORT, ...vhosts]);
  const url = await broker.waitFor(/^amqp:/);
  assert.match(url, /:\d+\/team$/);
  for (const known of [url, `${url}%2Fb`]) {
    const { stderr } = await run(["client", "-u", known, "q", "1"]);
    assert.match(stderr, /no queue "q" on vhost "team(\/b)?"/);
  }
  const other = await run(["client", "-u", `${url}s`, "q", "1"]);
  assert.equal(other.code, 77);
});

test("broker: a port that is taken, an address that is none", async () => {
  const port = freePort();
  const listen = ["--listen", `127.0.0.1:${port}`];
  await using broker = await start(["broker", ...listen]);
  await broker.waitFor(/^amqp:/);
  const taken = await run(["broker", ...listen]);
  assert.match(
    taken.stderr,
    /^rabbit-rpc: cannot listen on [^\n]*in use[^\n]*\n$/,
  );
  assert.equal(taken.code, 75);
  assert.equal((await run(["broker", "--listen", "nowhere"])).code, 64);
});

test("broker: everybody may come in only where that is asked for", async () => {
  const everywhere = ["--listen", "0.0.0.0:0"];
  const { code, stdout, stderr } = await run([
    "broker",
    ...everywhere,
    "--",
    "sh",
    "-c",
    "echo $AMQP_URL",
  ]);
  assert.match(stderr, /^rabbit-rpc: listening on 0\.0\.0\.0: everyone/);
  assert.match(stdout, /@127\.0\.0\.1:\d+\n$/);
  assert.equal(code, 0);
});

test("demo: all steps, counts that add up, plain text in a pipe", async () => {
  const { code, stdout, stderr } = await run(["demo"]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /fib\(30\) = 832040, answered by server \d+/);
  assert.match(stdout, /invalid_argument: fib wants/);
  // Whichever side notices first says so.
  assert.match(stdout, /=> deadline_exceeded: /);
  const killed = /server (\d+) had taken the call and was killed/.exec(stdout)!;
  const heir = /server (\d+) answered instead/.exec(stdout)!;
  assert.notEqual(killed[1], heir[1]);
  const [sent, answered, ...parts] =
    /(\d+) calls: (\d+) answered \((\d+) by [^,]*, (\d+) by [^)]*\), (\d+) failed/
      .exec(stdout)!.slice(1).map(Number);
  const [first, second, failed] = parts;
  assert.equal(first! + second!, answered);
  assert.equal(answered! + failed!, sent);
  assert.equal(stdout.includes("\x1b"), false);
});
