/**
 * The library's front door.
 *
 * @module
 */
import type { ClientOptions } from "../rpc/calling/client_options.ts";
import { RpcConnection } from "../rpc/connection.ts";
import {
  type ConnectOptions,
  connectSettings,
  DEFAULT_URL,
} from "./options.ts";
import { AmqpTransport } from "./transport.ts";

/**
 * Connects to a broker: the first of several that answers.
 *
 * @param urls `amqp://user:password@host:port/vhost`, one or several
 * @throws {RpcError} if none can be reached or one refuses.
 * @throws {RangeError} if a URL or an option is out of its range.
 *
 * @example Ask for a queue, and cancel a call
 * ```ts
 * import { connect, RpcError } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 *
 * await using rpc = await connect(Deno.env.get("AMQP_URL"), {
 *   name: "example",
 *   heartbeatMs: 5_000,
 * });
 * assert.equal(await rpc.inspect("no_such_queue"), undefined);
 * await assert.rejects(
 *   rpc.call("no_such_queue", "30", { signal: AbortSignal.abort() }),
 *   (error: RpcError) => error.code === "canceled",
 * );
 * ```
 */
export async function connect(
  urls: string | readonly string[] = DEFAULT_URL,
  options: ConnectOptions & ClientOptions = {},
): Promise<RpcConnection> {
  const transport = new AmqpTransport(connectSettings(urls, options));
  await transport.connection();
  return new RpcConnection(transport, options);
}
