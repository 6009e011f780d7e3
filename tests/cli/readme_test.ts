// The session in the root README, over the development broker: the calls print
// what it shows.

import assert from "node:assert/strict";
import { simpleCommands } from "../support/markdown.ts";
import { testNeeding } from "../support/needs.ts";
import { PYTHON, pythonMissing } from "../support/peers.ts";
import { processGroupsMissing } from "../support/process_groups.ts";
import { run, start } from "../support/program.ts";
import { awaiting, onceReady } from "./scene.ts";

const README = new URL("../../README.md", import.meta.url);
/** A call that is typed alone, and the lines until the next command. */
const CALL = /^\$ deno task (client [^|\n]*)\n((?:(?!\$ |```).*\n)*)/gm;
const QUEUE = "rpc_queue";

const MODEL = /^\$ deno task server (llm --stream -- )python3 (\S+)$/m;
const needs = [processGroupsMissing(), pythonMissing()];

testNeeding("the calls in the README print what it shows", {
  needs,
}, async () => {
  const readme = await Deno.readTextFile(README);
  const calls = [...readme.matchAll(CALL)];
  assert.ok(calls.length >= 3, "the README shows calls");
  await using broker = await start(["broker", "--listen", "127.0.0.1:0"]);
  const env = { AMQP_URL: await broker.waitFor(/^amqp:/) };
  await using _server = await onceReady(
    await start(["server", QUEUE, "--builtin", "fib"], { env }),
    awaiting(QUEUE),
  );
  const [, streaming, script] = readme.match(MODEL)!;
  const path = new URL(script!, README).pathname;
  const model = ["server", ...streaming!.trim().split(" "), PYTHON, path];
  await using _model = await onceReady(
    await start(model, { env }),
    awaiting("llm"),
  );
  for (const [, line, shown] of calls) {
    const [words] = simpleCommands(line!);
    const { stdout, stderr } = await run(words!, { env });
    assert.equal(`${stdout}${stderr}`.trimEnd(), shown!.trimEnd(), line);
  }
});
