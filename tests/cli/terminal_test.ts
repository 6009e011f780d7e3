// What differs when the program is spoken with at a terminal.

import assert from "node:assert/strict";
import type { Result } from "../support/process.ts";
import { commandLine } from "../support/program.ts";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { startAtTerminal, terminalMissing } from "../support/terminal.ts";
import { scene } from "./scene.ts";

/** Runs the program with a terminal as stdin, stdout and stderr. */
async function runAtTerminal(args: string[]): Promise<Result> {
  await using running = startAtTerminal(await commandLine(args));
  return await running.result();
}

const needs = [terminalMissing()];

rabbitMqTest("at a terminal a reply ends its line", { needs }, async () => {
  const { url, queue, serve } = await scene();
  await using _server = await serve(["--builtin", "fib"]);
  const { code, stdout } = await runAtTerminal([
    "client",
    "-u",
    url,
    queue,
    "30",
  ]);
  assert.deepEqual([code, stdout], [0, "832040\r\n"]);
});

rabbitMqTest("a terminal is not read for the request", { needs }, async () => {
  const { url, queue } = await scene();
  const { code, stdout } = await runAtTerminal(["client", "-u", url, queue]);
  assert.equal(
    stdout,
    "rabbit-rpc: no request: give it as an argument, @FILE or on stdin\r\n",
  );
  assert.equal(code, 64);
});
