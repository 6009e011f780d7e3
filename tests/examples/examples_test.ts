// Runs the examples as they are, each on a broker of its own, and compares what
// they print with what they say that they print.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { onceReady } from "../cli/scene.ts";
import { permissionsMissing, test, testNeeding } from "../support/needs.ts";
import { PYTHON, pythonMissing } from "../support/peers.ts";
import { processGroupsMissing } from "../support/process_groups.ts";
import { run, start } from "../support/program.ts";

const CONFIG = resolve(import.meta.dirname!, "../../deno.json");
const BROKER = ["broker", "--listen", "127.0.0.1:0"];

const EXAMPLES = permissionsMissing() === undefined
  ? [...Deno.readDirSync(import.meta.dirname!)]
    .map(({ name }) => name)
    .filter((name) => /(?<!_test)\.ts$/.test(name))
  : [];

for (const name of EXAMPLES) {
  test(`the example ${name}`, async () => {
    const path = `${import.meta.dirname}/${name}`;
    const expected = promised(await Deno.readTextFile(path));
    const permissions = ["--allow-net=127.0.0.1", "--allow-env=AMQP_URL"];
    const deno = [Deno.execPath(), "run", "--quiet", "--config", CONFIG];
    const command = [...deno, ...permissions, path];
    const { code, stdout, stderr } = await run([...BROKER, "--", ...command]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(stdout, expected);
  });
}

test("all examples were found", () => {
  assert.ok(EXAMPLES.length >= 5, EXAMPLES.join(", "));
});

testNeeding(
  "the example python_child.py",
  { needs: [processGroupsMissing(), pythonMissing()] },
  async () => {
    await using broker = await start(BROKER);
    const url = await broker.waitFor(/^amqp:/);
    const child = [PYTHON, `${import.meta.dirname}/python_child.py`];
    await using _server = await onceReady(
      await start(["server", "-u", url, "q", "--exec-lines", "--", ...child]),
      " [x] Awaiting RPC requests on q",
    );
    const { code, stdout } = await run(["client", "-u", url, "q", "hello"]);
    assert.deepEqual([code, stdout], [0, "HELLO"]);
    const stdin = Uint8Array.of(255);
    const refused = await run(["client", "-u", url, "q"], { stdin });
    assert.deepEqual(
      [refused.code, refused.stderr],
      [1, "rabbit-rpc: procedure failed: invalid_argument: want a text.\n"],
    );
  },
);

/** What stands in the comment at an example's end. */
function promised(source: string): string {
  const [, comment] = source.split("\n// Prints:\n");
  assert.ok(comment, "the example does not say what it prints");
  return comment.replaceAll(/^\/\/ /gm, "");
}
