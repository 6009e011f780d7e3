// --json: one object a line and request, failures included.

import assert from "node:assert/strict";
import { freePort } from "../../support/ports.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { fibonacci, scene } from "../scene.ts";

/** The objects, each on a line of its own, their latency checked and left out. */
function outcomes(stdout: string): Record<string, unknown>[] {
  assert.ok(stdout.endsWith("\n"), stdout);
  return stdout.slice(0, -1).split("\n").map((line) => {
    const { latency_ms: latencyMs, ...outcome } = JSON.parse(line);
    assert.ok(latencyMs >= 0 && latencyMs < 30_000, line);
    return outcome;
  });
}

rabbitMqTest("--json of a reply, and of an error", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "fib"]);
  const reply = await client(["--json", "30"]);
  assert.deepEqual(outcomes(reply.stdout), [
    { id: 1, ok: true, body: String(fibonacci(30)), attempts: 1 },
  ]);
  assert.deepEqual([reply.code, reply.stderr], [0, ""]);
  const error = await client(["--json", "abc"]);
  assert.deepEqual(outcomes(error.stdout), [{
    id: 1,
    ok: false,
    error: {
      code: "invalid_argument",
      detail: 'fib wants a whole number from 0 to 78, got "abc"',
    },
    attempts: 1,
  }]);
  assert.equal(error.code, 1);
});

rabbitMqTest(
  "--json has text as it is, and bytes that are none as base64",
  async () => {
    const { client, serve } = await scene();
    await using _server = await serve(["--builtin", "echo"]);
    const bodies: [Uint8Array, Record<string, string>][] = [
      [new TextEncoder().encode('ü "\n\ufeff'), { body: 'ü "\n\ufeff' }],
      [new TextEncoder().encode("\ufeffbom"), { body: "\ufeffbom" }],
      [Uint8Array.of(0, 255, 128), { body_base64: "AP+A" }],
      [new Uint8Array(0), { body: "" }],
    ];
    for (const [stdin, expected] of bodies) {
      const { code, stdout } = await client(["--json"], { stdin });
      const common = { id: 1, ok: true, attempts: 1 };
      assert.deepEqual(outcomes(stdout), [{ ...common, ...expected }]);
      assert.equal(code, 0);
    }
  },
);

rabbitMqTest("--json of lines: in order, each with its number", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "fib"]);
  const stdin = "25\nabc\n3\n";
  const { code, stdout } = await client(["-l", "--json"], { stdin });
  const [first, second, third, ...rest] = outcomes(stdout);
  const ok = { ok: true, attempts: 1 };
  assert.deepEqual(first, { id: 1, ...ok, body: String(fibonacci(25)) });
  assert.deepEqual([second!.id, second!.ok, "body" in second!], [
    2,
    false,
    false,
  ]);
  assert.deepEqual(third, { id: 3, ...ok, body: String(fibonacci(3)) });
  assert.deepEqual([code, rest], [3, []]);
});

rabbitMqTest("--json also when the call never got to a server", async () => {
  const noQueue = await scene();
  const noBroker = await scene({ url: `amqp://127.0.0.1:${freePort()}` });
  for (const [at, status] of [[noQueue, 69], [noBroker, 75]] as const) {
    const { code, stdout } = await at.client(["--json", "1"]);
    const [outcome] = outcomes(stdout) as [{ error: Record<string, string> }];
    const { code: errorCode, detail } = outcome.error;
    assert.equal(errorCode, "unavailable");
    assert.match(detail!, status === 69 ? /^no queue/ : /^cannot reach/);
    assert.equal(code, status);
  }
});
