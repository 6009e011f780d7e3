// Who calls and serves: we, and other people's libraries, each with a server
// and a client of our own writing in tests/bench/peers.

import { resolve } from "node:path";
import { isThere } from "../support/files.ts";
import { PYTHON, pythonMissing, type PythonPeer } from "../support/peers.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { run, start } from "../support/program.ts";
import manifest from "../../deno.json" with { type: "json" };
import type { PeerName } from "./options.ts";
import type { Participant } from "./pair.ts";

/** Somebody who takes part, and can run here. */
export interface Contender extends Participant {
  /** Of the library and of what runs it. */
  readonly version: string;
}

/** A peer, as long as it may be missing. */
export interface Peer {
  /** Builds what has to be built, in an empty directory of its own. */
  prepare(dir: string): Promise<Contender | { missing: string }>;
}

const ROOT = resolve(import.meta.dirname!, "../..");
const PEERS_DIR = `${import.meta.dirname}/peers`;
const GO_PATH = "/usr/share/gocode";
const GO_PACKAGE = `${GO_PATH}/src/github.com/rabbitmq/amqp091-go`;
/** Go's first build compiles its standard library. */
const BUILD_TIMEOUT_MS = 300_000;

/** We, with the default settings. */
export async function ours(): Promise<Contender> {
  const { stdout } = await run(["--version"]);
  const binary = Deno.env.get("RABBIT_RPC_BIN") ? ", executable" : "";
  return {
    name: "rabbit-rpc",
    version: stdout.trim().replace(/, V8.*\)/, `${binary})`),
    startServer: (url, queue) => startOurServer(url, queue, "echo"),
    startClient: startOurClient,
  };
}

/** `rabbit-rpc server`, with whatever is built into it. */
export function startOurServer(
  url: string,
  queue: string,
  builtin: string,
  ...flags: string[]
) {
  return start([
    "server",
    "--url",
    url,
    queue,
    "--quiet",
    "--builtin",
    builtin,
    ...flags,
  ]);
}

/** A client that calls through our library. */
export function startOurClient(url: string, queue: string) {
  return startProcess(
    Deno.execPath(),
    [
      ...["run", "--quiet", "--config", `${ROOT}/deno.json`],
      ...["--allow-net", `${PEERS_DIR}/ours_client.ts`],
      ...["client", url, queue],
    ],
    { keepStdinOpen: true },
  );
}

/** The others. */
export const PEERS_BY_NAME: Record<PeerName, Peer> = {
  "pika": python("pika"),
  "aio-pika": python("aio_pika"),
  "amqplib": { prepare: prepareAmqplib },
  "amqp091-go": { prepare: prepareGo },
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

function python(library: PythonPeer): Peer {
  const name = library === "pika" ? "pika" : "aio-pika";
  return {
    async prepare() {
      const missing = pythonMissing(library);
      if (missing !== undefined) return { missing };
      const script = `${PEERS_DIR}/${library}_echo.py`;
      // No __pycache__ among the sources.
      const command: [string, ...string[]] = [PYTHON, "-B", script];
      const { stdout } = await runProcess(PYTHON, ["-B", script, "version"]);
      return scripted(name, stdout.trim(), command);
    },
  };
}

/** On Node, where it is there; what Deno downloaded serves both. */
async function prepareAmqplib(dir: string): Promise<Contender> {
  const library = manifest.imports.amqplib.replace(/^npm:/, "");
  const [, version] = library.split("@");
  const script = "amqplib_echo.mjs";
  const node = await versionOf("node", ["--version"]);
  if (node === undefined) {
    return scripted("amqplib", `${library}, Deno ${Deno.version.deno}`, [
      Deno.execPath(),
      ...["run", "--quiet", "--config", `${ROOT}/deno.json`],
      ...["--allow-net", `${PEERS_DIR}/${script}`],
    ]);
  }
  for (const file of [script, "figures.mjs"]) {
    await Deno.copyFile(`${PEERS_DIR}/${file}`, `${dir}/${file}`);
  }
  const packages = JSON.stringify({ dependencies: { amqplib: version } });
  await Deno.writeTextFile(`${dir}/package.json`, packages);
  await succeed(Deno.execPath(), [
    "install",
    "--quiet",
    "--node-modules-dir=auto",
  ], { cwd: dir });
  return scripted("amqplib", `${library}, Node ${node}`, [
    "node",
    `${dir}/${script}`,
  ]);
}

/** As Debian packages it, without a module of its own. */
async function prepareGo(
  dir: string,
): Promise<Contender | { missing: string }> {
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
  await succeed("go", ["build", "-o", binary, `${PEERS_DIR}/amqp091_echo.go`], {
    env,
  });
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

async function succeed(
  command: string,
  args: string[],
  options: { env?: Record<string, string>; cwd?: string },
): Promise<void> {
  const { code, stderr } = await runProcess(command, args, {
    ...options,
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}:\n${stderr}`);
}
