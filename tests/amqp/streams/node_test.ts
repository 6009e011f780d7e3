// The library on Node.js, as one file, over a stream of Node's own.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startBroker } from "../../../src/broker/broker.ts";
import { testNeeding } from "../../support/needs.ts";

const MOD = fileURLToPath(new URL("../../../src/mod.ts", import.meta.url));
const PROGRAM = fileURLToPath(new URL("node_program.mjs", import.meta.url));
const OLDEST = 20;

async function output(command: string, ...args: string[]): Promise<string> {
  const program = new Deno.Command(command, { args });
  const { code, stdout, stderr } = await program.output();
  const text = new TextDecoder().decode(stdout);
  const why = new TextDecoder().decode(stderr);
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${why}`);
  return text;
}

async function nodeMissing(): Promise<string | undefined> {
  try {
    const version = await output("node", "--version");
    const [, major] = /^v(\d+)/.exec(version) ?? [];
    if (Number(major) >= OLDEST) return undefined;
  } catch {
    // There is none, or it may not be run.
  }
  return `it needs node, version ${OLDEST} or later`;
}

testNeeding(
  "the library serves and calls on Node.js",
  { needs: [await nodeMissing()] },
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "rabbit-rpc-" });
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => Deno.remove(folder, { recursive: true }));
    const bundle = `${folder}/rabbit-rpc.mjs`;
    await output(Deno.execPath(), "bundle", "--quiet", "-o", bundle, MOD);
    await using broker = await startBroker();
    const lines = await output("node", PROGRAM, bundle, broker.url);
    assert.deepEqual(lines.trimEnd().split("\n"), [
      "9900",
      "true",
      "unavailable no_queue",
      "cannot reach a broker at 127.0.0.1:1 (connection refused)",
    ]);
    await broker.waitFor(() => broker.connections.length === 0);
  },
);
