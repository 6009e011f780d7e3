/**
 * `rabbit-rpc broker`: an AMQP broker in memory, for development and tests.
 *
 * @module
 */
import type { Command } from "commander";
import { redactUrl } from "../amqp/redact.ts";
import {
  type Broker,
  type BrokerOptions,
  startBroker,
} from "../broker/broker.ts";
import { type ListenAddress, listenFailure, parseAddress } from "./address.ts";
import { runChild } from "./child.ts";
import { CliError, EXIT } from "./exit_status.ts";
import { flag } from "./flags.ts";
import { readInputFile, readPassword } from "./input.ts";
import { Log } from "./log.ts";
import { OrderedOutput } from "./output.ts";
import { onSignal } from "./signals.ts";

interface BrokerFlags {
  listen: ListenAddress;
  vhosts: string[];
  user?: string;
  passwordFile?: string;
}

const EXAMPLES = `
Examples:
  rabbit-rpc broker
  rabbit-rpc broker --listen 127.0.0.1:0 -- deno task test
  rabbit-rpc broker --user alice --password-file secret.txt

It keeps nothing on disk, whatever is declared durable. Production runs on
RabbitMQ.`;

/** Adds the subcommand; `done` gets the exit status. */
export function addBrokerCommand(
  program: Command,
  done: (status: number) => void,
): void {
  program.command("broker")
    .summary("run a small AMQP broker for development")
    .description(
      "Runs an AMQP 0-9-1 broker in memory until it is stopped, or as long " +
        "as a command runs that finds it at AMQP_URL.",
    )
    .argument("[command...]", "after --: run it, stop, return its status")
    .addOption(
      flag("--listen <host:port>", "address; port 0 takes a free one")
        .argParser(parseAddress)
        .default({ hostname: "127.0.0.1", port: 5672 }, "127.0.0.1:5672"),
    )
    .addOption(
      flag("--vhosts <names>", "virtual hosts, with commas between them")
        .argParser((names: string) => names.split(","))
        .default(["/"], "/"),
    )
    .addOption(flag("--user <name>", "who may log in, instead of guest"))
    .addOption(flag("--password-file <file>", "that user's password"))
    .addHelpText("after", EXAMPLES)
    .action(async (command: string[], flags: BrokerFlags) => {
      done(await runBroker(command, flags));
    });
}

async function runBroker(
  command: string[],
  flags: BrokerFlags,
): Promise<number> {
  const { listen: { hostname, port }, vhosts } = flags;
  const user = await readUser(flags);
  const users = new Map([[user.name, user.password]]);
  await using broker = await listen({ hostname, port, users, vhosts });
  if (!isLoopback(hostname)) {
    new Log().warn(
      `listening on ${hostname}: whoever reaches this machine can try to ` +
        `log in as "${user.name}". This broker is for development.`,
    );
  }
  const url = urlFor(broker, user);
  if (command.length > 0) {
    return await runChild(command, { AMQP_URL: url, RABBIT_RPC_URL: url });
  }
  const output = new OrderedOutput();
  output.add(user.name === "guest" ? url : redactUrl(url));
  const stopped = Promise.withResolvers<void>();
  using _signals = onSignal(["SIGINT", "SIGTERM"], () => stopped.resolve());
  await output.flushed();
  await stopped.promise;
  return EXIT.ok;
}

interface User {
  name: string;
  password: string;
}

async function readUser({ user, passwordFile }: BrokerFlags): Promise<User> {
  if (user === undefined && passwordFile === undefined) {
    return { name: "guest", password: "guest" };
  }
  if (user === undefined || passwordFile === undefined) {
    throw new CliError(EXIT.usage, "--user and --password-file go together.");
  }
  const password = readPassword(await readInputFile(passwordFile));
  return { name: user, password };
}

async function listen(
  options: BrokerOptions & ListenAddress,
): Promise<Broker> {
  const { hostname, port } = options;
  try {
    return await startBroker(options);
  } catch (error) {
    const advice = "Does a broker run there already? " +
      `Try --listen ${hostname}:0.`;
    throw listenFailure(error, { hostname, port }, advice);
  }
}

function urlFor(broker: Broker, { name, password }: User): string {
  const url = new URL(broker.url);
  // Everywhere is no place to connect to.
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.hostname === "[::]") url.hostname = "[::1]";
  url.username = encodeURIComponent(name);
  url.password = encodeURIComponent(password);
  return url.href;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" ||
    hostname.startsWith("127.");
}
