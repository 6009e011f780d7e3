// The unit for systemd in .ci/README.md: systemd's own check of it, and its
// command line on a broker.

import assert from "node:assert/strict";
import { isThere } from "../../support/files.ts";
import { permissionsMissing, testNeeding } from "../../support/needs.ts";
import { runProcess } from "../../support/process.ts";
import { run, start } from "../../support/program.ts";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";
import { awaiting, onceReady, uniqueQueue } from "../scene.ts";

const README = new URL("../../../.ci/README.md", import.meta.url);
const ANALYZER = "/usr/bin/systemd-analyze";
const PROGRAM = "/usr/local/bin/rabbit-rpc";

/** The one block in the README that is a unit. */
async function readmeUnit(): Promise<string> {
  const text = await Deno.readTextFile(README);
  const [block, ...others] = [...text.matchAll(/^```ini\n([^]*?)^```$/gm)];
  assert.ok(block && others.length === 0, "the README has one block of ini");
  return block[1]!;
}

function analyzerMissing(): string | undefined {
  const permissions = permissionsMissing();
  if (permissions !== undefined || isThere(ANALYZER)) return permissions;
  return `there is no ${ANALYZER}. On Debian: apt-get install systemd.`;
}

testNeeding(
  "systemd finds nothing wrong with the README's unit",
  { needs: [analyzerMissing()] },
  async () => {
    const unit = await readmeUnit();
    // It wants the program to be there.
    const installed = unit.replace(PROGRAM, ANALYZER);
    assert.notEqual(installed, unit);
    const verified = await verify(installed);
    assert.deepEqual([verified.code, verified.stderr], [0, ""]);
    // That it would have found something.
    const wrong = await verify(installed.replace("KillMode", "KilMode"));
    assert.match(wrong.stderr, /KilMode/);
  },
);

async function verify(unit: string) {
  const folder = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  try {
    const path = `${folder}/rabbit-rpc@.service`;
    await Deno.writeTextFile(path, unit);
    return await runProcess(ANALYZER, ["verify", path]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

rabbitMqTest("the unit's command line serves, and drains", async () => {
  const unit = await readmeUnit();
  const { url } = await sharedRabbitMq();
  const queue = uniqueQueue();
  const credentials = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  const { password } = new URL(url);
  await Deno.writeTextFile(`${credentials}/password`, `${password}\n`);
  try {
    await using server = await onceReady(
      await start(commandOf(unit, queue, credentials), {
        env: { RABBIT_RPC_URL: url.replace(`:${password}@`, "@") },
      }),
      awaiting(queue),
    );
    const { code, stdout } = await run(["client", "-u", url, queue, "30"]);
    assert.deepEqual([code, stdout], [0, "832040"]);
    server.kill("SIGTERM");
    assert.equal((await server.result()).code, 0);
  } finally {
    await Deno.remove(credentials, { recursive: true });
  }
});

/** The arguments as systemd would pass them on. */
function commandOf(unit: string, queue: string, credentials: string): string[] {
  const [, line] = unit.match(/^ExecStart=(.*)$/m) ?? [];
  const [program, ...args] = line!.split(" ");
  assert.equal(program, PROGRAM);
  return args.map((arg) =>
    arg.replace("%I", queue)
      .replace("${CREDENTIALS_DIRECTORY}", credentials)
  );
}
