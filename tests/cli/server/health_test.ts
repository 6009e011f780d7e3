// --health: what a supervisor asks a server for, and when it says no.

import assert from "node:assert/strict";
import { test, testNeeding } from "../../support/needs.ts";
import type { Running } from "../../support/process.ts";
import { run, start } from "../../support/program.ts";
import { startProxy } from "../../support/proxy.ts";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";
import { waitUntil } from "../../support/wait.ts";
import { scene, uniqueQueue } from "../scene.ts";

const FREE_PORT = ["--health", "127.0.0.1:0"];
const NOWHERE = ["-u", "amqp://127.0.0.1:1"];
const PATIENCE_MS = 20_000;

/** What was answered. */
interface Answer {
  status: number;
  body: { status: string; why?: string };
}

/** Asks a server that was started with FREE_PORT. */
async function health(server: Running) {
  const line = await server.waitFor("serving health at", "stderr");
  const origin = line.match(/http:\S+/)![0];
  const ask = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(`${origin}${path}`, init);
    return { status: response.status, body: await response.json() };
  };
  /** Asks until the answer has that status. */
  const until = (path: string, status: number) =>
    waitUntil(`${path} to be ${status}`, async () => {
      const answer = await ask(path);
      return answer.status === status && answer;
    }, PATIENCE_MS);
  return { origin, ask, until };
}

const OK: Answer = { status: 200, body: { status: "ok" } };

rabbitMqTest(
  "a server is ready while it consumes, alive throughout",
  async () => {
    const { port, url } = await sharedRabbitMq();
    await using proxy = await startProxy(port);
    await proxy.refuse(true);
    const flags = ["-u", proxy.url(url), "--builtin", "echo", ...FREE_PORT];
    await using server = await start(["server", uniqueQueue(), ...flags]);
    const { ask, until } = await health(server);
    await server.waitFor("trying again", "stderr");
    const away = await ask("/readyz");
    assert.equal(away.status, 503);
    assert.match(away.body.why!, /^cannot reach a broker at 127\.0\.0\.1:/);
    assert.deepEqual(await until("/healthz", 200), OK);

    await proxy.refuse(false);
    assert.deepEqual(await until("/readyz", 200), OK);

    await proxy.refuse(true);
    proxy.cut();
    const lost = await until("/readyz", 503);
    assert.equal(lost.body.status, "unavailable");
    assert.deepEqual(await until("/healthz", 200), OK);

    await proxy.refuse(false);
    assert.deepEqual(await until("/readyz", 200), OK);
  },
);

rabbitMqTest("a server that drains is not ready, but alive", async () => {
  const { serve, startClient } = await scene();
  await using server = await serve(["--builtin", "sleep", ...FREE_PORT]);
  const { ask, until } = await health(server);
  await using client = await startClient(["5000"]);
  await server.waitFor(" [.] ");
  assert.deepEqual(await ask("/readyz"), OK);
  server.kill("SIGTERM");
  const draining = await until("/readyz", 503);
  assert.deepEqual(draining.body, { status: "unavailable", why: "draining" });
  assert.deepEqual(await until("/healthz", 200), OK);
  const [stopped, answered] = await Promise.all([
    server.result(),
    client.result(),
  ]);
  assert.deepEqual([stopped.code, answered.code], [0, 0]);
});

rabbitMqTest("a server whose event loop is blocked is not alive", {
  slow: true,
}, async () => {
  const { serve, startClient } = await scene();
  // Seconds of work, or a minute where the machine is busy with other tests.
  const flags = ["--builtin", "fib", "--workers", "0", ...FREE_PORT];
  await using server = await serve([...flags, "--handler-timeout", "2m"]);
  const { until } = await health(server);
  assert.deepEqual(await until("/healthz", 200), OK);
  await using client = await startClient(["43", "--timeout", "2m"]);
  const { body } = await until("/healthz", 503);
  assert.match(
    body.why!,
    /^the event loop was blocked for [\d.]+s \(limit: 1s\)$/,
  );
  assert.equal((await client.result()).stdout, "433494437");
  assert.deepEqual(await until("/healthz", 200), OK);
});

test("other paths and methods are told apart", async () => {
  const flags = ["--builtin", "echo", ...NOWHERE, ...FREE_PORT];
  await using server = await start(["server", "q", ...flags]);
  const { origin, ask } = await health(server);
  assert.equal((await ask("/")).status, 404);
  assert.equal((await ask("/constructor")).status, 404);
  assert.equal((await ask("/healthz", { method: "POST" })).status, 405);
  const head = await fetch(`${origin}/healthz`, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
});

test("an answer shows no password", async () => {
  const url = "amqp://bob:s3cr3t@127.0.0.1:1";
  const flags = ["--builtin", "echo", "-u", url, ...FREE_PORT];
  await using server = await start(["server", "q", ...flags]);
  const { ask } = await health(server);
  await server.waitFor("trying again", "stderr");
  const { body } = await ask("/readyz");
  assert.match(body.why!, /cannot reach/);
  assert.doesNotMatch(JSON.stringify(body), /s3cr3t/);
});

test("an address that is taken ends the server at its start", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const flags = ["--builtin", "echo", ...NOWHERE, "--health", address];
  const { code, stderr } = await run(["server", "q", ...flags]);
  assert.equal(
    stderr,
    `rabbit-rpc: cannot listen on ${address} (address in use). ` +
      "Choose another address for --health.\n",
  );
  assert.equal(code, 75);
});

const BAD: [string, RegExp][] = [
  ["8080", /--health .* It must be HOST:PORT/],
  ["localhost:99999", /--health .* It must be HOST:PORT/],
  ["192.0.2.1:0", /cannot listen on 192\.0\.2\.1:0 \(not an address of this/],
  ["no-such-host.invalid:0", /cannot listen on .* \(no such host\)/],
];

for (const [address, told] of BAD) {
  test(`--health ${address} is wrong usage`, async () => {
    const flags = ["--builtin", "echo", ...NOWHERE, "--health", address];
    const { code, stderr } = await run(["server", "q", ...flags]);
    assert.match(stderr, told);
    assert.equal(code, 64);
  });
}

testNeeding("--health :PORT listens on all addresses", {
  needs: [Deno.build.os === "linux" ? undefined : "127.0.0.2 is Linux's own"],
}, async () => {
  const flags = ["--builtin", "echo", ...NOWHERE, "--health", ":0"];
  await using server = await start(["server", "q", ...flags]);
  const line = await server.waitFor("serving health at", "stderr");
  const port = line.match(/http:\/\/(?:\[::\]|0\.0\.0\.0):(\d+)/)![1];
  for (const host of ["127.0.0.2", ...hasIpv6() ? ["[::1]"] : []]) {
    const response = await fetch(`http://${host}:${port}/healthz`);
    assert.deepEqual(await response.json(), OK.body, host);
  }
});

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    // deno-lint-ignore no-console -- where a test's reader looks
    console.warn("not tried over IPv6: this machine has none");
    return false;
  }
}
