// Other people's clients and servers, which live in tests/peers.

import { cleanEnvironment } from "./environment.ts";
import { permissionsMissing } from "./needs.ts";
import { isThere } from "./files.ts";
import {
  type ProcessOptions,
  type Result,
  type Running,
  runProcess,
  startProcess,
} from "./process.ts";

/** The Python that has Debian's libraries. */
export const PYTHON = "/usr/bin/python3";
const PEERS = `${import.meta.dirname}/../peers`;
const AMQP_TOOLS = "/usr/bin";

/** The Python libraries that have a server and a client in tests/peers. */
export type PythonPeer = "pika" | "aio_pika";

/** How a peer declares its request queue. */
export interface PeerServerOptions {
  /** @default false: transient, as in the tutorial */
  durable?: boolean;
}

/**
 * Why Python, or a library of it, can't be used here; undefined where it can.
 */
export function pythonMissing(library?: PythonPeer): string | undefined {
  const permissions = permissionsMissing();
  if (permissions !== undefined) return permissions;
  const name = library?.replace("_", "-");
  const packages = ["python3", name].filter(Boolean).join("-");
  const advice = `On Debian: apt-get install ${packages}.`;
  if (!isThere(PYTHON)) return `there is no ${PYTHON}. ${advice}`;
  if (library === undefined) return undefined;
  const { success } = new Deno.Command(PYTHON, {
    args: ["-c", `import ${library}`],
    env: cleanEnvironment(),
    clearEnv: true,
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return success ? undefined : `${name} is not installed. ${advice}`;
}

/** Why amqp-publish and the like can't be used here; undefined where they can. */
export function amqpToolsMissing(): string | undefined {
  const permissions = permissionsMissing();
  if (permissions !== undefined) return permissions;
  if (isThere(`${AMQP_TOOLS}/amqp-publish`)) return undefined;
  return "amqp-tools is not installed. On Debian: apt-get install amqp-tools.";
}

/** Starts a peer's server; it is consuming when this resolves. */
export async function startPythonServer(
  library: PythonPeer,
  url: string,
  queue: string,
  options: PeerServerOptions = {},
): Promise<Running> {
  const script = `${PEERS}/${library}_server.py`;
  const flags = options.durable ? ["--durable"] : [];
  const running = startProcess(PYTHON, [script, url, queue, ...flags]);
  try {
    await running.waitFor("Awaiting RPC requests");
    return running;
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Sends one request with a peer's client and gives the body of the reply.
 * `robust` makes aio-pika use a connection that reconnects.
 *
 * @throws Error with its output if it fails, or none comes in 30 s.
 */
export async function callFromPython(
  library: PythonPeer,
  url: string,
  queue: string,
  n: number | string,
  options: { robust?: boolean } = {},
): Promise<string> {
  const script = `${PEERS}/${library}_client.py`;
  const flags = options.robust ? ["--robust"] : [];
  const args = [script, url, queue, String(n), ...flags];
  const { code, stdout, stderr } = await runProcess(PYTHON, args);
  if (code !== 0) throw new Error(`${args.join(" ")} failed:\n${stderr}`);
  return stdout.replace(/\n$/, "");
}

/** Runs one of amqp-tools: `amqpTool(["amqp-publish", "--url", url, ...])`. */
export async function amqpTool(
  [name, ...args]: [string, ...string[]],
  options: ProcessOptions = {},
): Promise<Result> {
  return await runProcess(`${AMQP_TOOLS}/${name}`, args, options);
}
