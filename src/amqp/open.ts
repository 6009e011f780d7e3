/**
 * Connects to a broker and logs in.
 *
 * @module
 */
import { connectFailure, passwordFailure } from "./connect_failures.ts";
import { Connection } from "./connection.ts";
import { LoginTooLarge } from "./handshake.ts";
import type { BrokerSettings, ConnectSettings } from "./options.ts";
import { brokerName } from "./broker_address.ts";
import { PasswordPoll, readPassword } from "./password.ts";

/**
 * One connection to this broker.
 *
 * @throws {RpcError} if that failed, or took too long.
 */
export async function openConnection(
  broker: BrokerSettings,
  settings: ConnectSettings,
  signal: AbortSignal,
): Promise<Connection> {
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new DOMException("timed out", "TimeoutError")),
    broker.connectTimeoutMs,
  );
  const limit = AbortSignal.any([timeout.signal, signal]);
  try {
    const password = await passwordOf(broker, limit, signal);
    const connection = await dialAndLogIn(broker, settings, password, limit);
    watchPassword(connection, broker, settings, password);
    return connection;
  } finally {
    clearTimeout(timer);
    signal.throwIfAborted();
  }
}

async function dialAndLogIn(
  broker: BrokerSettings,
  { dial, name, onEvent }: ConnectSettings,
  password: string,
  limit: AbortSignal,
): Promise<Connection> {
  try {
    const { hostname, port, tls, tlsSettings } = broker;
    const endpoint = { hostname, port, tls: tls ? tlsSettings : undefined };
    const stream = await dial(endpoint, limit);
    return await Connection.open(stream, broker, { name, password }, {
      onBlocked: (reason) => onEvent({ type: "blocked", reason }),
      onUnblocked: () => onEvent({ type: "unblocked" }),
    }, limit);
  } catch (error) {
    const tooLarge = error instanceof LoginTooLarge ? error.message : undefined;
    const cause = tooLarge ? (error as Error).cause : error;
    throw connectFailure(cause, broker, tooLarge);
  }
}

async function passwordOf(
  broker: BrokerSettings,
  limit: AbortSignal,
  signal: AbortSignal,
): Promise<string> {
  try {
    return await readPassword(broker.password, limit);
  } catch (error) {
    signal.throwIfAborted();
    throw passwordFailure(error, broker);
  }
}

/** Sends the broker each new password. */
function watchPassword(
  connection: Connection,
  broker: BrokerSettings,
  { passwordPollMs, onEvent }: ConnectSettings,
  known: string,
): void {
  const { password } = broker;
  if (typeof password === "string" || passwordPollMs === 0) return;
  const poll = new PasswordPoll(password, known, passwordPollMs, (secret) => {
    connection.updateSecret(secret, () => {
      onEvent({ type: "secret_updated", broker: brokerName(broker) });
    });
  });
  connection.loss.listen(() => poll.stop());
}
