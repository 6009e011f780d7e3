/**
 * Runs the development broker, until it is stopped or its command has ended.
 *
 * @module
 */
import { redactUrl } from "../../amqp/redact.ts";
import {
  type Broker,
  type BrokerOptions,
  startBroker,
} from "../../broker/broker.ts";
import { type ListenAddress, listenFailure } from "../address.ts";
import { EXIT } from "../exit_status.ts";
import { Log } from "../log.ts";
import { onStopSignal } from "../signals.ts";
import { OrderedOutput } from "../stdio/ordered_output.ts";
import { runChild } from "./child.ts";
import type { BrokerFlags } from "./flags.ts";
import { readUsers, type User } from "./users.ts";

/** Returns the exit status: that of the command, if there is one. */
export async function runBroker(
  command: string[],
  flags: BrokerFlags,
): Promise<number> {
  const { as, listen: { hostname, port }, vhosts } = flags;
  const all = await readUsers(flags.user, flags.passwordFile);
  const users = new Map(all.map((user) => [user.name, user]));
  await using broker = await listen({ as, hostname, port, users, vhosts });
  if (!isLoopback(hostname)) warnOfExposure(hostname, all);
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
    const advice = "Is a broker running there already? " +
      `Try --listen ${hostname}:0.`;
    throw listenFailure(error, { hostname, port }, advice);
  }
}

function warnOfExposure(hostname: string, users: User[]): void {
  const names = users.map(({ name }) => `"${name}"`).join(" or ");
  new Log().warn(
    `listening on ${hostname}: everyone who can reach this machine can try to ` +
      `log in as ${names}. This broker is for development only.`,
  );
}

function urlFor(broker: Broker, { name, password }: User): string {
  const url = new URL(broker.url);
  // A client can't connect to "all addresses".
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
