// No variable that carries what a caller sent has the name of a setting.

import assert from "node:assert/strict";
import { allSubcommands } from "../../../src/cli/subcommands.ts";
import { requestEnvironment } from "../../../src/procedures/command/request_environment.ts";
import { request } from "../../procedures/command/running.ts";
import { startProcess } from "../../support/process.ts";
import { commandLine } from "../../support/program.ts";
import { test } from "../../support/needs.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { scene, uniqueQueue } from "../scene.ts";

/** Each begins the names of variables that headers choose the rest of. */
const CHOSEN = ["RABBIT_RPC_HEADER_", "RABBIT_RPC_REQUEST_"];

async function settings(): Promise<string[]> {
  const program = await allSubcommands();
  return program.commands.flatMap(({ options }) =>
    options.flatMap(({ envVar }) => envVar ?? [])
  );
}

test("what a caller sends has no name of a setting", async () => {
  const names = await settings();
  assert.ok(names.includes("RABBIT_RPC_TYPE"), "it knows the settings");
  const headers = { type: "x", url: "x", "": "x" };
  const sent = requestEnvironment(request("", { headers }), Infinity);
  for (const name of Object.keys(sent)) assert.ok(!names.includes(name), name);
  for (const prefix of CHOSEN) {
    assert.deepEqual(names.filter((name) => name.startsWith(prefix)), []);
  }
});

rabbitMqTest("a caller chooses no method of a service behind", async () => {
  const outer = await scene();
  const inner = uniqueQueue();
  const front = await commandLine(["client", "-u", outer.url, inner, "x"]);
  const behind = await commandLine([
    "server",
    "-u",
    outer.url,
    inner,
    "--",
    "sh",
    "-c",
    'printf "%s" "[$RABBIT_RPC_REQUEST_TYPE$RABBIT_RPC_HEADER_USER]"',
  ]);
  await using server = await outer.serve(["--", ...front]);
  await using backend = startProcess(behind[0]!, behind.slice(1));
  await backend.waitFor("Awaiting");
  const args = ["--type", "drop_all", "-H", "user:mallory", "x"];
  const { code, stdout } = await outer.client(args);
  assert.deepEqual([code, stdout], [0, "[]"]);
  server.kill();
});
