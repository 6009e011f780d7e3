// What differs when the program is spoken with at a terminal.

import assert from "node:assert/strict";
import { isThere } from "../support/files.ts";
import { permissionsMissing } from "../support/needs.ts";
import { type Result, runProcess } from "../support/process.ts";
import { commandLine } from "../support/program.ts";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { scene } from "./scene.ts";

const SCRIPT = "/usr/bin/script";

/** Why no terminal can be had here; undefined where it can. */
function terminalMissing(): string | undefined {
  const permissions = permissionsMissing();
  if (permissions !== undefined) return permissions;
  if (isThere(SCRIPT)) return undefined;
  return `there is no ${SCRIPT}. On Debian: apt-get install bsdutils.`;
}

/** Runs the program with a terminal as stdin, stdout and stderr. */
async function runAtTerminal(args: string[]): Promise<Result> {
  const words = await commandLine(args);
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const command = ["--quiet", "--return", "--command", quoted.join(" ")];
  return await runProcess(SCRIPT, [...command, "/dev/null"]);
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
