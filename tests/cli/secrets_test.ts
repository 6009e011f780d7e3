// Passwords that are looked for in everything that the program says.

import assert from "node:assert/strict";
import { test } from "../support/needs.ts";
import { run } from "../support/program.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { scene, temporaryFile, uniqueQueue } from "./scene.ts";

const SECRET = "s3cr3t";
const SECRET_URL = `amqp://bob:${SECRET}@broker`;

/** Arguments that people put in the wrong place. */
const MISPLACED: [string[], RegExp][] = [
  [[SECRET_URL], /unknown command/],
  [["client", "q", "1", `--ur=${SECRET_URL}`], /unknown option/],
  [["client", "q", "1", "-t", SECRET_URL], /--timeout/],
  [["client", "q", "1", "--cacert", SECRET_URL], /cannot read/],
  [["server", "q", "--builtin", SECRET_URL], /--builtin/],
  [["broker", "--listen", "127.0.0.1:0", "--", SECRET_URL], /cannot run/],
];

for (const [args, expected] of MISPLACED) {
  const shown = args.join(" ").replace(SECRET, "...");
  test(`a URL in the wrong place is shown without its password: ${shown}`, async () => {
    const { code, stdout, stderr } = await run(args);
    assert.match(stderr, expected);
    assert.equal((stdout + stderr).includes(SECRET), false, stderr);
    assert.notEqual(code, 0);
  });
}

/** A user whose password is the secret, and who may do all. */
async function secretUser(): Promise<{ url: string; user: string }> {
  const { url, ctl } = await sharedRabbitMq();
  const user = uniqueQueue();
  await ctl("add_user", user, SECRET);
  await ctl("set_permissions", user, ".*", ".*", ".*");
  return { user, url: url.replace("guest:guest", `${user}:${SECRET}`) };
}

rabbitMqTest("what succeeds shows no password either", async () => {
  const { url, user } = await secretUser();
  const { queue, serve, client } = await scene({ url });
  await using server = await serve(["--builtin", "echo", "-v"]);
  const outputs: string[] = [];
  const ends = async (args: string[]) => {
    const { code, stdout, stderr } = await run(args);
    assert.equal(code, 0, stderr);
    outputs.push(stdout, stderr);
  };
  for (const format of ["text", "json", "html"]) {
    const calls = ["--calls", "10", "--warmup", "0", "-v", "--format", format];
    await ends(["bench", queue, "-u", url, ...calls]);
  }
  await ends(["client", "-v", "--json", "-u", url, queue, "x"]);
  const late = await client(["-v", "--json", "-t", "1ms", "x"]);
  outputs.push(late.stdout, late.stderr);
  // Its user is thrown out, so that it loses its connection and is refused.
  const { ctl } = await sharedRabbitMq();
  await ctl("delete_user", user);
  await ctl("close_all_user_connections", user, "gone");
  const { code, stdout, stderr } = await server.result();
  assert.equal(code, 77, stderr);
  outputs.push(stdout, stderr);
  assert.match(stderr, /lost the connection to /);
  assert.equal(outputs.join("\n").includes(SECRET), false);
});

rabbitMqTest("a password from the environment, a file before it", async () => {
  const { url } = await sharedRabbitMq();
  const { queue, client } = await scene({ url: url.replace(":guest@", "@") });
  const env = { RABBIT_RPC_PASSWORD: "guest" };
  const missing = new RegExp(`no queue "${queue}"`);
  assert.match((await client(["1"], { env })).stderr, missing);

  await using file = await temporaryFile("guest\n");
  const wrong = { RABBIT_RPC_PASSWORD: SECRET };
  const refused = await client(["1"], { env: wrong });
  assert.match(refused.stderr, /login refused for user "guest"/);
  assert.equal(refused.stderr.includes(SECRET), false);
  const both = { ...wrong, RABBIT_RPC_PASSWORD_FILE: file.path };
  assert.match((await client(["1"], { env: both })).stderr, missing);
});

test("a password of ours is not handed to a command", async () => {
  const script = 'echo "[$RABBIT_RPC_PASSWORD$RABBIT_RPC_PASSWORD_FILE]"';
  const command = ["--listen", "127.0.0.1:0", "--", "sh", "-c", script];
  const { stdout } = await run(["broker", ...command], {
    env: { RABBIT_RPC_PASSWORD: SECRET },
  });
  assert.equal(stdout, "[]\n");
});

test("stdin can't be both the password and the request", async () => {
  for (const body of [["@-"], ["-l"]]) {
    const flags = ["--password-file", "-", "-u", "amqp://127.0.0.1:1"];
    const { code, stderr } = await run(["client", "q", ...body, ...flags], {
      stdin: "guest\n",
    });
    assert.match(stderr, /stdin can't be both the password and the request/);
    assert.equal(code, 64);
  }
});
