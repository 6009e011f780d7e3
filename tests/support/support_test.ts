// Tests of the test support itself.

import { test } from "./needs.ts";
import assert from "node:assert/strict";
import { isListening } from "./ports.ts";
import { amqpTool, amqpToolsMissing } from "./peers.ts";
import { callFromPython, pythonMissing, startPythonServer } from "./peers.ts";
import { runProcess, startProcess } from "./process.ts";
import { taskFlags } from "./program.ts";
import { startProxy } from "./proxy.ts";
import { rabbitMqTest, sharedRabbitMq, startRabbitMq } from "./rabbitmq.ts";
import { waitUntil } from "./wait.ts";

rabbitMqTest(
  "a private node is configured, blocks, and keeps port and data",
  { slow: true },
  async () => {
    await using rabbitMq = await startRabbitMq({ config: "heartbeat = 7" });
    assert.match(await rabbitMq.ctl("environment"), /\{heartbeat,7\}/);
    const alarms = () => rabbitMq.ctl("eval", "rabbit_alarm:get_alarms().");
    assert.equal(await alarms(), "[]");
    await rabbitMq.blockPublishers();
    assert.match(await alarms(), /memory/);
    await rabbitMq.unblockPublishers();
    assert.equal(await alarms(), "[]");

    const { port } = rabbitMq;
    assert.equal(rabbitMq.url, `amqp://guest:guest@127.0.0.1:${port}`);
    await rabbitMq.ctl("add_user", "bob", "secret");

    await rabbitMq.stop();
    assert.equal(await isListening(port), false);
    await rabbitMq.start();
    assert.ok(await isListening(port));
    assert.match(await rabbitMq.ctl("list_users"), /^bob\t/m);

    await rabbitMq.kill();
    assert.equal(await isListening(port), false);
  },
);

rabbitMqTest("a node that can't start tells why", async () => {
  const config = "no.such.setting = 1";
  await assert.rejects(startRabbitMq({ config }), /no\.such\.setting/);
});

rabbitMqTest("the shared node is one for all who ask", async () => {
  const [one, other] = await Promise.all([sharedRabbitMq(), sharedRabbitMq()]);
  assert.equal(one.url, other.url);
  assert.ok(await isListening(one.port));
  assert.match(await other.ctl("list_users"), /^guest\t/m);
});

for (const library of ["pika", "aio_pika"] as const) {
  const needs = [pythonMissing(library)];
  rabbitMqTest(`${library} speaks with itself`, { needs }, async () => {
    const { url } = await sharedRabbitMq();
    const queue = `support-${library}`;
    await using server = await startPythonServer(library, url, queue);
    assert.equal(await callFromPython(library, url, queue, 10), "55");
    if (library === "aio_pika") {
      const robust = { robust: true };
      assert.equal(await callFromPython(library, url, queue, 11, robust), "89");
    }
    await server.waitFor(" [.] fib(10)");
  });
}

const needs = [amqpToolsMissing()];
rabbitMqTest("amqp-tools publish and consume", { needs }, async () => {
  const { url } = await sharedRabbitMq();
  const at = ["--url", url];
  const queue = "support-amqp-tools";
  await amqpTool(["amqp-declare-queue", ...at, "--queue", queue]);
  await amqpTool(["amqp-publish", ...at, "-r", queue], { stdin: "a\0b" });
  const consume = ["--queue", queue, "--count", "1", "cat"];
  const { code, stdout } = await amqpTool(["amqp-consume", ...at, ...consume]);
  assert.deepEqual([code, stdout], [0, "a\0b"]);
});

/** A client's and a server's end of one connection through a proxy. */
async function throughProxy() {
  const stack = new AsyncDisposableStack();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  stack.defer(() => listener.close());
  const proxy = stack.use(await startProxy(listener.addr.port));
  const { port } = proxy;
  const accepted = listener.accept();
  const client = stack.use(await Deno.connect({ hostname: "127.0.0.1", port }));
  const server = stack.use(await accepted);
  return {
    proxy,
    client,
    server,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function receive(connection: Deno.Conn): Promise<string | null> {
  const buffer = new Uint8Array(100);
  const count = await connection.read(buffer);
  return count === null
    ? null
    : new TextDecoder().decode(buffer.subarray(0, count));
}

const HELLO = new TextEncoder().encode("hello");

test("a proxy forwards, counts, and passes on a close", async () => {
  await using pair = await throughProxy();
  const { proxy, client, server } = pair;
  assert.equal(
    proxy.url("amqp://guest:a%2Fb@broker:5672/vhost?heartbeat=2"),
    `amqp://guest:a%2Fb@127.0.0.1:${proxy.port}/vhost?heartbeat=2`,
  );
  await client.write(HELLO);
  assert.equal(await receive(server), "hello");
  await server.write(HELLO.subarray(0, 2));
  assert.equal(await receive(client), "he");
  assert.equal(proxy.connections, 1);
  server.close();
  assert.equal(await receive(client), null);
  client.close();
  await waitUntil("no connection", () => proxy.connections === 0, 5_000);
  assert.deepEqual([proxy.bytesUp, proxy.bytesDown], [5, 2]);
});

test("a proxy cuts connections, also stalled ones, and refuses new ones", async () => {
  await using pair = await throughProxy();
  const { proxy, client, server } = pair;
  proxy.stall("both");
  await proxy.refuse(true);
  assert.equal(await isListening(proxy.port), false);
  proxy.cut();
  assert.equal(await receive(client), null);
  assert.equal(await receive(server), null);
  await proxy.refuse(false);
  assert.ok(await isListening(proxy.port));
});

test("a stalled proxy holds bytes and closes back in one direction", async () => {
  await using pair = await throughProxy();
  const { proxy, client, server } = pair;
  proxy.stall("up");
  await client.write(HELLO);
  // The other direction works meanwhile, for two chunks one after the other.
  for (const _ of [1, 2]) {
    await server.write(HELLO);
    assert.equal(await receive(client), "hello");
  }
  client.close();
  let resumed = false;
  const received = receive(server).then((text) => ({ text, resumed }));
  // The write fails at the client, which the server is not told either.
  await server.write(HELLO);
  await server.write(HELLO);
  assert.equal(proxy.bytesUp, 0);
  assert.equal(proxy.connections, 1);
  resumed = true;
  proxy.resume();
  assert.deepEqual(await received, { text: "hello", resumed: true });
  assert.equal(await receive(server), null);
});

const DENO = Deno.execPath();

test("a program gets its input, and its output and status are kept", async () => {
  const code = "await Deno.stdin.readable.pipeTo(Deno.stdout.writable, " +
    "{ preventClose: true }); console.error('b'); Deno.exit(3);";
  const stdin = Uint8Array.of(0, 255, 10);
  const result = await runProcess(DENO, ["eval", code], { stdin });
  assert.deepEqual(result.stdoutBytes, stdin);
  assert.equal(result.stderr, "b\n");
  assert.equal(result.code, 3);
});

test("a program may end without reading its input", async () => {
  const stdin = "line\n".repeat(100_000);
  const { code } = await runProcess("true", [], { stdin });
  assert.equal(code, 0);
});

test("waitFor finds lines past and to come, and fails at the end", async () => {
  await using running = startProcess(
    "sh",
    ["-c", "echo one; read x; echo $x"],
    {
      keepStdinOpen: true,
    },
  );
  assert.equal(await running.waitFor(/^o/), "one");
  assert.equal(await running.waitFor("one"), "one");
  await assert.rejects(
    running.waitFor("two", "stdout", { timeoutMs: 1 }),
    /no two on stdout in 1 ms[^]*one/,
  );
  await running.write("two\n");
  await running.closeStdin();
  assert.equal(await running.waitFor("two"), "two");
  await assert.rejects(running.waitFor("three"), /ended without three/);
  assert.equal((await running.result()).code, 0);
});

test("a program that does not end is killed", async () => {
  await assert.rejects(
    runProcess("sleep", ["60"], { timeoutMs: 100 }),
    /not at its end in 100 ms/,
  );
});

test("a killed program's child that holds its outputs is not waited for", async () => {
  let child: string;
  {
    const args = ["-c", "sleep 60 & echo $!; wait"];
    await using running = startProcess("sh", args);
    child = await running.waitFor(/^\d+$/);
    running.kill("SIGKILL");
    assert.equal((await running.status).signal, "SIGKILL");
  }
  // Throws unless the child is still there, holding them.
  Deno.kill(Number(child), "SIGKILL");
});

test("the permissions of a task are found in deno.json", () => {
  const config = JSON.stringify({
    tasks: {
      server: "deno run --allow-net --allow-env='A,B_*' main.ts server",
      client: { command: "deno run --allow-net main.ts client" },
      bench: "deno run --allow-all tests/bench/main.ts",
      ok: "deno fmt",
    },
  });
  const server = ["--allow-net", "--allow-env=A,B_*"];
  assert.deepEqual(taskFlags(config, "server"), server);
  for (const other of ["--help", "bench", "ok"]) {
    assert.deepEqual(taskFlags(config, other), ["--allow-net"]);
  }
  const none = JSON.stringify({ tasks: { ok: "deno fmt" } });
  assert.throws(() => taskFlags(none, "ok"), /no task "ok"/);
});

test("programs get the same environment, whoever runs the tests", async () => {
  const support = import.meta.resolve("./process.ts");
  // A process of its own, in an environment of somebody's.
  const code = `import { runProcess } from ${JSON.stringify(support)};
    console.log((await runProcess("env", [])).stdout);`;
  const environment = async (env: Record<string, string>) => {
    const args = ["eval", "--no-check", "--quiet", code];
    const { stdout, stderr } = await runProcess(DENO, args, { env });
    const lines = stdout.trim().split("\n").sort();
    assert.ok(lines.some((line) => line.startsWith("PATH=")), stderr);
    return lines;
  };
  const somebodys = {
    AMQP_URL: "amqp://127.0.0.1:1",
    FORCE_COLOR: "1",
    LANG: "de_DE",
    LC_ALL: "de_DE",
    NO_COLOR: "1",
    OTEL_SERVICE_NAME: "somebody",
    RABBIT_RPC_TIMEOUT: "1ms",
    TERM: "dumb",
    XDG_CONFIG_HOME: "/somewhere",
  };
  assert.deepEqual(await environment(somebodys), await environment({}));
});
