/**
 * `rabbit-rpc broker`: an AMQP broker in memory, for development and tests.
 *
 * @module
 */
import type { Command } from "commander";
import { redactUrl } from "../../amqp/redact.ts";
import {
  type Broker,
  type BrokerOptions,
  type Generation,
  startBroker,
} from "../../broker/broker.ts";
import { GENERATIONS, NEWEST } from "../../broker/generation.ts";
import { type ListenAddress, listenFailure, parseAddress } from "../address.ts";
import { runChild } from "./child.ts";
import { parseUser, readUsers, type User, type UserFlag } from "./users.ts";
import { EXIT } from "../exit_status.ts";
import { flag } from "../flags/common.ts";
import { Log } from "../log.ts";
import { OrderedOutput } from "../stdio/ordered_output.ts";
import { onStopSignal } from "../signals.ts";

interface BrokerFlags {
  as: Generation;
  listen: ListenAddress;
  vhosts: string[];
  user?: UserFlag[];
  passwordFile?: string;
}

const EXAMPLES = `
Examples:
  rabbit-rpc broker
  rabbit-rpc broker --listen 127.0.0.1:0 -- deno task test
  rabbit-rpc broker --as 3.10
  rabbit-rpc broker --user alice --password-file secret.txt
  rabbit-rpc broker --password-file secrets.txt --user admin \\
    --user 'calc:^(calc|amq\\.gen-.*)$:^amq\\.default$:^(calc|amq\\.gen-.*)$'

Permissions are regular expressions for the names of queues and exchanges, as
rabbitmqctl set_permissions takes them: without ^ and $ part of a name is
enough, an empty one allows nothing, amq.default is the default exchange. Of
several users, each has a line of the password file, in the same order; the URL
is the first one's.

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
    .addOption(
      flag("--as <generation>", "the RabbitMQ to behave as, where they differ")
        .choices(GENERATIONS).default(NEWEST),
    )
    .addOption(
      flag(
        "--user <name[:configure:write:read]>",
        "who may log in, instead of guest, and their permissions (all by default); can be repeated",
      ).argParser(parseUser),
    )
    .addOption(
      flag(
        "--password-file <file>",
        "their passwords, a line each; - is stdin",
      ),
    )
    .addHelpText("after", EXAMPLES)
    .action(async (command: string[], flags: BrokerFlags) => {
      done(await runBroker(command, flags));
    });
}

async function runBroker(
  command: string[],
  flags: BrokerFlags,
): Promise<number> {
  const { as, listen: { hostname, port }, vhosts } = flags;
  const all = await readUsers(flags.user, flags.passwordFile);
  const users = new Map(all.map((user) => [user.name, user]));
  await using broker = await listen({ as, hostname, port, users, vhosts });
  if (!isLoopback(hostname)) {
    const names = all.map(({ name }) => `"${name}"`).join(" or ");
    new Log().warn(
      `listening on ${hostname}: whoever reaches this machine can try to ` +
        `log in as ${names}. This broker is for development.`,
    );
  }
  const [user] = all;
  const url = urlFor(broker, user);
  if (command.length > 0) {
    return await runChild(command, { AMQP_URL: url, RABBIT_RPC_URL: url });
  }
  const output = new OrderedOutput();
  output.add(user.name === "guest" ? url : redactUrl(url));
  const stopped = Promise.withResolvers<void>();
  using _signals = onStopSignal(() => stopped.resolve());
  await output.flushed();
  await stopped.promise;
  return EXIT.ok;
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
