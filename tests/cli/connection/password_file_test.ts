// Password files that are renewed while the program runs.

import assert from "node:assert/strict";
import { test } from "../../support/needs.ts";
import { run, start } from "../../support/program.ts";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";
import { awaiting, onceReady, scene, uniqueQueue } from "../scene.ts";

/** A folder as Kubernetes mounts a secret: a link that is put elsewhere. */
async function mountedSecret(password: string) {
  const dir = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  let version = 0;
  const renew = async (password: string) => {
    const name = `..${++version}`;
    await Deno.mkdir(`${dir}/${name}`);
    await Deno.writeTextFile(`${dir}/${name}/password`, `${password}\n`);
    await Deno.symlink(name, `${dir}/..new`);
    await Deno.rename(`${dir}/..new`, `${dir}/..data`);
  };
  await renew(password);
  await Deno.symlink("..data/password", `${dir}/password`);
  return {
    path: `${dir}/password`,
    renew,
    /** Takes it away, until it is renewed. */
    remove: () => Deno.remove(`${dir}/..data`),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

rabbitMqTest("a server lives on with a password that is changed", {
  slow: true,
}, async () => {
  const { url: shared, ctl } = await sharedRabbitMq();
  const user = uniqueQueue();
  await ctl("add_user", user, "pw-one");
  await ctl("set_permissions", user, ".*", ".*", ".*");
  const url = shared.replace("guest:guest", user);
  const { queue } = await scene({ url });
  await using secret = await mountedSecret("pw-one");
  const login = ["-u", url, "--password-file", secret.path];
  await using server = await onceReady(
    await start(["server", queue, "--builtin", "echo", "-v", ...login]),
    awaiting(queue),
  );
  await ctl("change_password", user, "pw-two");
  await secret.renew("pw-two");
  await server.waitFor(/accepted the renewed password/, "stderr");
  await ctl("close_all_user_connections", user, "rotated");
  await server.waitFor(awaiting(queue), "stdout", { occurrence: 2 });

  // The broker has the next one first, and the file is away for a while.
  await ctl("change_password", user, "pw-three");
  await secret.remove();
  await ctl("close_all_user_connections", user, "rotated");
  await server.waitFor(/cannot get the password .*No such file/, "stderr");
  await secret.renew("pw-two");
  await server.waitFor(/login refused for user .*; trying again/, "stderr");
  await secret.renew("pw-three");
  await server.waitFor(awaiting(queue), "stdout", { occurrence: 3 });
  const { code, stdout, stderr } = await run(["client", queue, "x", ...login]);
  assert.deepEqual([code, stdout], [0, "x"], stderr);
  assert.doesNotMatch(server.stderr(), /pw-/);
});

rabbitMqTest("a password that can be read but once is read once", async () => {
  const { url } = await sharedRabbitMq();
  const { queue, runServer } = await scene({
    url: url.replace(":guest@", "@"),
  });
  await using server = await onceReady(
    await start(
      ["server", queue, "--builtin", "echo", "-u", url, "--password-file", "-"],
      { stdin: "guest\n" },
    ),
    awaiting(queue),
  );
  const dir = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  const path = `${dir}/fifo`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  const login = ["--password-file", path, "-n", "1", "--builtin", "echo"];
  const serving = runServer(login);
  await Deno.writeTextFile(path, "wrong\n");
  const { code, stderr } = await serving;
  assert.equal(code, 77, stderr);
  await Deno.remove(dir, { recursive: true });
  server.kill("SIGTERM");
  assert.equal((await server.result()).code, 0);
});

test("a password file that is not there is told at once", async () => {
  const login = ["--password-file", "/no/such", "-u", "amqp://127.0.0.1:1"];
  const { code, stderr } = await run(["client", "q", "1", ...login]);
  assert.equal(code, 66);
  assert.match(stderr, /cannot read "\/no\/such": No such file/);
});
