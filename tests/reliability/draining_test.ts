// Servers that are told to stop while they work.

import assert from "node:assert/strict";
import { start } from "../support/program.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import { failureOf, Handler, uniqueQueue, watched } from "./watching.ts";

/** Starts a server of the program, and a caller. */
async function scene(name: string, flags: string[]) {
  const stack = new AsyncDisposableStack();
  const { url } = await sharedRabbitMq();
  const queue = uniqueQueue(name);
  const args = ["server", queue, "--url", url, ...flags];
  const server = stack.use(await start(args));
  await server.waitFor("Awaiting RPC requests");
  const { rpc } = stack.use(await watched(url));
  return {
    url,
    queue,
    server,
    rpc,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

rabbitMqTest(
  "SIGTERM under load: no call fails, and the status is 0",
  async () => {
    await using setting = await scene("load", [
      "--builtin",
      "sleep",
      "-c",
      "8",
    ]);
    const { url, queue, server, rpc } = setting;
    // The other one, that stays; sure to get what the first gives back.
    await using other = await watched(url);
    let handed = 0;
    const told = Promise.withResolvers<void>();
    // Else it would have answered nearly all before the first is told to stop.
    await using _other = await other.rpc.serve(queue, async (request) => {
      await told.promise;
      handed++;
      return request.text();
    });
    let answered = 0;
    const halfway = Promise.withResolvers<void>();
    const calls = Array.from({ length: 1_000 }, async (_, n) => {
      const reply = await rpc.call(queue, `${n % 20}`);
      if (++answered === 300) halfway.resolve();
      return reply.text();
    });
    await halfway.promise;
    server.kill("SIGTERM");
    told.resolve();
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, n) => `${n % 20}`),
    );
    const { code, stderr } = await server.result();
    assert.equal(code, 0, stderr);
    assert.ok(handed > 0);
    assert.deepEqual(rpc.stats, { inFlight: 0, unknownReplies: 0 });
  },
);

rabbitMqTest(
  "what runs is finished first, what waits goes to another",
  async () => {
    const flags = ["--builtin", "sleep", "-c", "1"];
    await using setting = await scene("order", flags);
    const { url, queue, server, rpc } = setting;
    const [running, ...waiting] = ["3000", "1", "2"].map((body) =>
      rpc.call(queue, body)
    );
    await server.waitFor("[.]");
    server.kill("SIGTERM");
    const { code, stdout } = await server.result();
    assert.equal(code, 0);
    assert.equal((await running).text(), "3000");
    assert.equal(stdout.match(/\[\.\]/g)?.length, 1);
    const handler = new Handler();
    await using other = await watched(url);
    await using _other = await other.rpc.serve(queue, handler.procedure);
    for (const [index, call] of waiting.entries()) {
      const run = await handler.run(index + 1);
      assert.equal(run.request.text(), `${index + 1}`);
      run.finish("from another");
      assert.equal((await call).text(), "from another");
    }
  },
);

rabbitMqTest("what does not finish within --grace is given back", async () => {
  const flags = ["--builtin", "sleep", "--grace", "300ms"];
  await using setting = await scene("grace", flags);
  const { url, queue, server, rpc } = setting;
  const call = rpc.call(queue, "3600000");
  await server.waitFor("[.]");
  const startMs = performance.now();
  server.kill("SIGTERM");
  assert.equal((await server.result()).code, 0);
  assert.ok(performance.now() - startMs >= 300);
  const handler = new Handler();
  await using other = await watched(url);
  await using _other = await other.rpc.serve(queue, handler.procedure);
  const run = await handler.run();
  assert.equal(run.request.redelivered, true);
  run.finish("from another");
  assert.equal((await call).text(), "from another");
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  rabbitMqTest(`a second ${signal} ends the server at once`, async () => {
    await using setting = await scene("second", ["--builtin", "sleep"]);
    const { queue, server, rpc } = setting;
    const options = { timeoutMs: 60_000 };
    const failure = failureOf(rpc.call(queue, "3600000", options));
    await server.waitFor("[.]");
    server.kill(signal);
    await server.waitFor("stopping", "stderr");
    server.kill(signal);
    // Well before the 30 s that it would wait, and before its caller's minute.
    assert.equal((await server.result(10_000)).code, 0);
    // The broker has it back once it has seen the end of the connection.
    await waitUntil(
      "the request to be back",
      async () => (await rpc.inspect(queue))?.messages === 1,
      10_000,
    );
    await rpc.close();
    assert.equal((await failure).code, "canceled");
  });
}
