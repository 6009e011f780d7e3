// Us, and what there is to know of everybody who takes part.

import { resolve } from "node:path";
import { type Running, startProcess } from "../support/process.ts";
import { run, start } from "../support/program.ts";
import type { Participant } from "./pair.ts";

/** Somebody who takes part, and can run here. */
export interface Contender extends Participant {
  /** Of the library and of what runs it. */
  readonly version: string;
}

const ROOT = resolve(import.meta.dirname!, "../..");

/** Where servers and clients live that are not part of the program. */
export const PEERS_DIR: string = `${import.meta.dirname}/peers`;

/** We, with the default settings. */
export async function ours(): Promise<Contender> {
  const { stdout } = await run(["--version"]);
  return {
    name: "rabbit-rpc",
    version: stdout.trim().replace(/, V8.*\)/, ")"),
    startServer: (url, queue) => startOurServer(url, queue, ["echo"]),
    startClient: startOurClient,
  };
}

/** `rabbit-rpc server` with a builtin, and flags of its. */
export async function startOurServer(
  url: string,
  queue: string,
  builtin: string[],
): Promise<Running> {
  const flags = ["--url", url, "--quiet", "--builtin", ...builtin];
  return await start(["server", queue, ...flags]);
}

/** A client that calls through our library, from source. */
export function startOurClient(url: string, queue: string): Running {
  const [command, ...args] = onDeno(`${PEERS_DIR}/ours_client.ts`);
  const options = { keepStdinOpen: true };
  return startProcess(command, [...args, "client", url, queue], options);
}

/** The command line of a script that speaks AMQP, on this Deno. */
export function onDeno(
  script: string,
  ...flags: string[]
): [string, ...string[]] {
  const config = `${ROOT}/deno.json`;
  const run = ["run", "--quiet", "--config", config, "--allow-net", ...flags];
  return [Deno.execPath(), ...run, script];
}
