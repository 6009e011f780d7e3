// A RabbitMQ node in a directory of its own: files, environment, start, stop.

import { isThere, readTextFileIfThere, removeIfThere } from "./files.ts";
import { permissionsMissing } from "./needs.ts";
import { freePorts } from "./ports.ts";
import { waitUntil } from "./wait.ts";
import { tmpdir } from "node:os";

const BIN = "/usr/lib/rabbitmq/bin";
const SUPERVISOR = `${import.meta.dirname}/rabbitmq_node.sh`;
const IN_ROOT = `${import.meta.dirname}/rabbitmq_root.sh`;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
/** Enough for Erlang's report of a failed start, which begins with the cause. */
const LOG_TAIL_LINES = 100;
const HANDSHAKE_TIMEOUT_MS = 5_000;

/** What a node that is not there yet, or not yet ready, does to a client. */
const NOT_READY = [
  Deno.errors.ConnectionRefused,
  Deno.errors.ConnectionReset,
  Deno.errors.BrokenPipe,
  Deno.errors.BadResource,
  Deno.errors.Interrupted,
];

/**
 * The folder of the Debian whose RabbitMQ is tested, named by
 * `RABBIT_RPC_TEST_RABBITMQ`; empty for that of this system.
 */
export const RABBITMQ_ROOT: string = permissionsMissing() === undefined
  ? Deno.env.get("RABBIT_RPC_TEST_RABBITMQ") ?? ""
  : "";

/** The program whose presence says whether a node can be started here. */
export const RABBITMQ_SERVER: string = `${RABBITMQ_ROOT}${BIN}/rabbitmq-server`;

/** The version that is tested, as "4.3.6"; empty where there is none. */
const RABBITMQ_VERSION: string = installedVersion();

/** Whether the RabbitMQ that is tested is this version, or a later one. */
export function rabbitMqSince(major: number, minor = 0): boolean {
  const [itsMajor = 0, itsMinor = 0] = RABBITMQ_VERSION.split(".").map(Number);
  return itsMajor > major || itsMajor === major && itsMinor >= minor;
}

/** Where a node is: all that another isolate needs in order to use it. */
export interface NodePlace {
  /** The node's directory: configuration, data, log. */
  dir: string;
  /** The AMQP port, on 127.0.0.1. */
  port: number;
  /** The port of Erlang distribution, for rabbitmqctl. */
  distPort: number;
  /** The port of the epmd that knows the node. */
  epmdPort: number;
  /** The node's name within a cluster. @default "rabbit", of a node alone */
  name?: string;
}

/** What makes a node one of a cluster, when it is created. */
export interface ClusterMember {
  name: string;
  /** The same for all nodes. */
  cookie: string;
  /** Where the epmd that all share listens; the node starts none. */
  epmdPort: number;
}

/** A private RabbitMQ node, on the loopback interface alone. */
export class RabbitMqNode {
  readonly place: NodePlace;

  /** A node that exists already, at `place`. */
  constructor(place: NodePlace) {
    this.place = place;
  }

  /**
   * Writes the files of a new node into `dir`, an existing directory. The node
   * is not started. `config` is appended to its rabbitmq.conf.
   */
  static async create(
    dir: string,
    config = "",
    member?: ClusterMember,
  ): Promise<RabbitMqNode> {
    const [port, distPort, ownEpmdPort] = freePorts(3);
    const lines = [
      `listeners.tcp.local = 127.0.0.1:${port}`,
      "log.console = true",
      "log.console.level = warning",
      "log.file = false",
      // A nearly full disk of the developer's must not block publishers.
      "disk_free_limit.absolute = 1MB",
      config,
    ];
    await Deno.writeTextFile(`${dir}/rabbitmq.conf`, lines.join("\n") + "\n");
    await Deno.writeTextFile(`${dir}/enabled_plugins`, "[].\n");
    // Erlang takes a cookie only from a file that its owner alone can read.
    const cookie = member?.cookie ?? crypto.randomUUID();
    await Deno.writeTextFile(`${dir}/.erlang.cookie`, cookie, { mode: 0o400 });
    return new RabbitMqNode({
      dir,
      port,
      distPort,
      epmdPort: member?.epmdPort ?? ownEpmdPort,
      ...(member && { name: member.name }),
    });
  }

  /** The node's URL, with the user guest. */
  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.place.port}`;
  }

  /**
   * Starts the node and waits until it speaks AMQP.
   *
   * It runs in a session of its own, held by nothing in this process but its
   * directory. So a test may start what another test stops, and Ctrl-C in a
   * terminal reaches the tests alone. rabbitmq_node.sh ends it when this
   * process has ended.
   *
   * @throws Error with the end of the log if it ends, or is not ready in 60 s.
   */
  async start(): Promise<void> {
    const { dir, port } = this.place;
    await removeIfThere(`${dir}/exited`);
    await removeIfThere(`${dir}/server.pid`);
    const { code } = await new Deno.Command("setsid", {
      args: ["--fork", "sh", SUPERVISOR, String(Deno.pid), dir, RABBITMQ_ROOT],
      env: this.#environment(),
      clearEnv: true,
      cwd: dir,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    if (code !== 0) throw new Error(`setsid failed with status ${code}`);
    try {
      await waitUntil("RabbitMQ to accept connections", async () => {
        const status = await readTextFileIfThere(`${dir}/exited`);
        if (status !== undefined) {
          throw new Error(`RabbitMQ ended with status ${status.trim()}`);
        }
        return await speaksAmqp(port);
      }, START_TIMEOUT_MS);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(
        `${reason}; the end of its log:\n${await this.logTail()}`,
      );
    }
  }

  /** Stops the node in good order; its data stays. About 1 s. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends the node at once (kill -9); its data stays. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /**
   * Runs rabbitmqctl against the node and returns what it prints.
   *
   * @throws Error with its output if it fails.
   */
  async ctl(...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(
      "sh",
      {
        args: [
          IN_ROOT,
          RABBITMQ_ROOT,
          `${BIN}/rabbitmqctl`,
          "--quiet",
          ...args,
        ],
        env: this.#environment(),
        clearEnv: true,
        stdin: "null",
      },
    ).output();
    const decoder = new TextDecoder();
    if (!success) {
      throw new Error(
        `rabbitmqctl ${args.join(" ")} failed:\n` +
          decoder.decode(stdout) + decoder.decode(stderr),
      );
    }
    return decoder.decode(stdout).trimEnd();
  }

  /** The last lines that the node has printed. */
  async logTail(): Promise<string> {
    const log = await readTextFileIfThere(`${this.place.dir}/output.log`);
    return (log ?? "(no log)").trimEnd().split("\n").slice(-LOG_TAIL_LINES)
      .join("\n");
  }

  /** Kills the node and removes its directory. */
  async destroy(): Promise<void> {
    await this.kill();
    await Deno.remove(this.place.dir, { recursive: true });
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const { dir } = this.place;
    const hasExited = async () =>
      await readTextFileIfThere(`${dir}/exited`) !== undefined;
    const pid = await readTextFileIfThere(`${dir}/server.pid`);
    if (pid === undefined || await hasExited()) return;
    try {
      Deno.kill(Number(pid), signal);
    } catch (error) {
      // It has just ended by itself; its supervisor has yet to say so.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await waitUntil("RabbitMQ to stop", hasExited, STOP_TIMEOUT_MS);
  }

  /** Everything, so that no setting of a system-wide RabbitMQ gets in. */
  #environment(): Record<string, string> {
    const { dir, distPort, epmdPort, name } = this.place;
    const loopback = "-kernel inet_dist_use_interface {127,0,0,1}";
    return {
      // Whatever else is on the user's own PATH need not be in another root.
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      TMPDIR: tmpdir(),
      LANG: "C.UTF-8",
      HOME: dir,
      // No crash dump: it takes seconds, and the log says what happened.
      ERL_CRASH_DUMP_SECONDS: "0",
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: "127.0.0.1",
      OWN_EPMD: name === undefined ? "yes" : "no",
      RABBITMQ_NODENAME: erlangName(name),
      RABBITMQ_DIST_PORT: String(distPort),
      RABBITMQ_MNESIA_BASE: `${dir}/data`,
      RABBITMQ_LOG_BASE: `${dir}/log`,
      RABBITMQ_CONFIG_FILE: `${dir}/rabbitmq.conf`,
      RABBITMQ_ADVANCED_CONFIG_FILE: `${dir}/advanced.config`,
      RABBITMQ_GENERATED_CONFIG_DIR: `${dir}/generated`,
      RABBITMQ_ENABLED_PLUGINS_FILE: `${dir}/enabled_plugins`,
      RABBITMQ_PID_FILE: `${dir}/rabbitmq.pid`,
      RABBITMQ_CONF_ENV_FILE: "/dev/null",
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: loopback,
      RABBITMQ_CTL_ERL_ARGS: loopback,
      // rabbitmqctl listens too, by default on one of eleven fixed ports,
      // which nodes of other test runs need as well. 0: any free port.
      RABBITMQ_CTL_DIST_PORT_MIN: "0",
      RABBITMQ_CTL_DIST_PORT_MAX: "0",
    };
  }
}

/** How Erlang calls a node of this name. */
export function erlangName(name = "rabbit"): string {
  return `${name}@localhost`;
}

/** Whether what listens on `port` answers an AMQP header with its first frame. */
async function speaksAmqp(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const timer = setTimeout(() => connection.close(), HANDSHAKE_TIMEOUT_MS);
    try {
      await connection.write(Uint8Array.of(0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1));
      // A frame of type 1 (method) on channel 0.
      const start = new Uint8Array(3);
      return await connection.read(start) === 3 && start.join() === "1,0,0";
    } finally {
      clearTimeout(timer);
    }
  } catch (error) {
    if (NOT_READY.some((kind) => error instanceof kind)) return false;
    throw error;
  }
}

/** Its folder is named after it. */
function installedVersion(): string {
  if (permissionsMissing() !== undefined) return "";
  const dir = `${RABBITMQ_ROOT}/usr/lib/rabbitmq/lib`;
  if (!isThere(dir)) return "";
  const names = [...Deno.readDirSync(dir)].map(({ name }) => name);
  const versions = names.map((name) =>
    name.match(/^rabbitmq_server-(.*)/)?.[1]
  );
  return versions.find((version) => version !== undefined) ?? "";
}
