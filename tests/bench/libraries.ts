// Other people's libraries, each with a server and a client of our own writing
// in tests/bench/peers.

import manifest from "../../deno.json" with { type: "json" };
import { isThere } from "../support/files.ts";
import { PYTHON, pythonMissing, type PythonPeer } from "../support/peers.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { type Contender, onDeno, PEERS_DIR } from "./contenders.ts";
import type { PeerName } from "./options.ts";

/**
 * Builds what has to be built, in an empty directory of its own; says why where
 * something is missing.
 */
type Prepare = (dir: string) => Promise<Contender | { missing: string }>;

const GO_PATH = "/usr/share/gocode";
const GO_PACKAGE = `${GO_PATH}/src/github.com/rabbitmq/amqp091-go`;
/** Go's first build compiles its standard library. */
const BUILD_TIMEOUT_MS = 300_000;

/** How to make each of them ready. */
export const PREPARE: Record<PeerName, Prepare> = {
  "pika": () => preparePython("pika", "pika"),
  "aio-pika": () => preparePython("aio-pika", "aio_pika"),
  "amqplib": prepareAmqplib,
  "amqp091-go": prepareGo,
};

/** A peer whose script takes the role, the URL and the queue. */
function scripted(
  name: PeerName,
  version: string,
  [command, ...args]: [string, ...string[]],
): Contender {
  const starter = (role: "server" | "client") => (url: string, queue: string) =>
    startProcess(command, [...args, role, url, queue], { keepStdinOpen: true });
  return {
    name,
    version,
    startServer: starter("server"),
    startClient: starter("client"),
  };
}

async function preparePython(name: PeerName, library: PythonPeer) {
  const missing = pythonMissing(library);
  if (missing !== undefined) return { missing };
  // No __pycache__ among the sources.
  const script = ["-B", `${PEERS_DIR}/${library}_echo.py`];
  const { stdout } = await runProcess(PYTHON, [...script, "version"]);
  return scripted(name, stdout.trim(), [PYTHON, ...script]);
}

/** On Node, where it is there; what Deno downloaded serves both. */
async function prepareAmqplib(dir: string) {
  const library = manifest.imports.amqplib.replace(/^npm:/, "");
  const script = "amqplib_echo.mjs";
  const node = await versionOf("node", ["--version"]);
  if (node === undefined) {
    const version = `${library}, Deno ${Deno.version.deno}`;
    return scripted("amqplib", version, onDeno(`${PEERS_DIR}/${script}`));
  }
  for (const file of [script, "figures.mjs"]) {
    await Deno.copyFile(`${PEERS_DIR}/${file}`, `${dir}/${file}`);
  }
  const [, amqplib] = library.split("@");
  const packages = JSON.stringify({ dependencies: { amqplib } });
  await Deno.writeTextFile(`${dir}/package.json`, packages);
  const install = ["install", "--quiet", "--node-modules-dir=auto"];
  const missing = await failureOf(Deno.execPath(), install, { cwd: dir });
  if (missing !== undefined) return { missing };
  const command: [string, string] = ["node", `${dir}/${script}`];
  return scripted("amqplib", `${library}, Node ${node}`, command);
}

/** As Debian packages it, without a module of its own. */
async function prepareGo(dir: string) {
  const go = await versionOf("go", ["env", "GOVERSION"]);
  if (go === undefined) {
    return {
      missing: "Go is not installed. On Debian: apt-get install golang-go.",
    };
  }
  if (!isThere(GO_PACKAGE)) {
    return {
      missing: "amqp091-go is not installed. On Debian: apt-get install " +
        "golang-github-rabbitmq-amqp091-go-dev.",
    };
  }
  const binary = `${dir}/amqp091_echo`;
  const env = { ...Deno.env.toObject(), GO111MODULE: "off", GOPATH: GO_PATH };
  const build = ["build", "-o", binary, `${PEERS_DIR}/amqp091_echo.go`];
  const missing = await failureOf("go", build, { env });
  if (missing !== undefined) return { missing };
  const source = await Deno.readTextFile(`${GO_PACKAGE}/connection.go`);
  const version = /buildVersion\s*=\s*"(.*)"/.exec(source)?.[1] ?? "?";
  return scripted("amqp091-go", `amqp091-go ${version}, ${go}`, [binary]);
}

/** What a program says of its version; undefined where there is none. */
async function versionOf(
  command: string,
  args: string[],
): Promise<string | undefined> {
  try {
    return (await runProcess(command, args)).stdout.trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Why a program that builds something has failed; undefined where it has not. */
async function failureOf(
  command: string,
  args: string[],
  options: { env?: Record<string, string>; cwd?: string },
): Promise<string | undefined> {
  const limited = { ...options, timeoutMs: BUILD_TIMEOUT_MS };
  const { code, stderr } = await runProcess(command, args, limited);
  return code === 0 ? undefined : `${command} ${args.join(" ")}:\n${stderr}`;
}
