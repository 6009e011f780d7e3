// What is too large, as a user meets it.

import assert from "node:assert/strict";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { scene } from "../scene.ts";

/** What the client says of a call to a server with such a limit. */
async function complaint(
  limit: string[],
  call: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo", ...limit], { env });
  const fine = await client(["fine"]);
  assert.deepEqual([fine.code, fine.stdout], [0, "fine"]);
  const { code, stdout, stderr } = await client(call);
  assert.deepEqual([code, stdout], [1, ""]);
  return stderr.replace("rabbit-rpc: procedure failed: ", "");
}

const LARGE = "x".repeat(1025);

rabbitMqTest("--max-body", async () => {
  assert.equal(
    await complaint(["--max-body", "1KiB"], [LARGE]),
    "resource_exhausted: a request of 1025 bytes: the server's limit is 1KiB.\n",
  );
});

rabbitMqTest("--max-reply, from the environment", async () => {
  assert.equal(
    await complaint([], [LARGE], { RABBIT_RPC_MAX_REPLY: "1000" }),
    "resource_exhausted: a reply of 1025 bytes: the server's limit is 1000.\n",
  );
});

rabbitMqTest("--max-headers", async () => {
  const headers = ["-H", "a:1", "-H", "b:2"];
  assert.equal(
    // One is the deadline of every request of ours.
    await complaint(["--max-headers", "2"], [...headers, "x"]),
    "resource_exhausted: 3 headers: the server's limit is 2.\n",
  );
});

rabbitMqTest("--max-header-size", async () => {
  const stderr = await complaint(["--max-header-size", "1KiB"], [
    "-H",
    `a:${LARGE}`,
    "x",
  ]);
  assert.match(
    stderr,
    /^resource_exhausted: headers of 10\d\d bytes: .* 1KiB\.\n$/,
  );
});
