/**
 * A broker for development and tests. It speaks AMQP 0-9-1, keeps everything in
 * memory and starts within milliseconds; a test can inspect it and make it
 * misbehave. When it stops, even durable queues and messages are gone.
 *
 * @example A call survives a lost connection
 * ```ts
 * import { startBroker } from "@rabbit-rpc/rabbit-rpc/broker";
 * import { connect } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 *
 * await using broker = await startBroker();
 * await using rpc = await connect(broker.url);
 * await using server = await rpc.serve("greet", (request) => request.text());
 * await broker.waitFor(() => broker.queue("greet")?.consumers === 1);
 *
 * broker.connections[0].drop();
 * const reply = await rpc.call("greet", "still there?", { retries: 3 });
 * assert.equal(reply.text(), "still there?");
 * ```
 *
 * @module
 */
import type { Broker } from "./testing/api.ts";
import { EmbeddedBroker } from "./embedded.ts";
import { type BrokerOptions, settingsOf } from "./options.ts";

export type { Broker, BrokerConnection, QueueState } from "./testing/api.ts";
export { Fault, type PublishedTo } from "./testing/faults.ts";
export type { Generation } from "./generation.ts";
export type { BrokerOptions, BrokerUser } from "./options.ts";
export type { Permissions } from "./permissions.ts";
export type { Truthy, WaitOptions } from "./testing/watch.ts";

/**
 * Starts a broker, by default on a free port of 127.0.0.1.
 *
 * @example
 * ```ts
 * import { startBroker } from "@rabbit-rpc/rabbit-rpc/broker";
 *
 * await using broker = await startBroker();
 * console.log(broker.url); // amqp://guest:guest@127.0.0.1:...
 * ```
 *
 * @example A user with few permissions, as on RabbitMQ 3.10
 * ```ts
 * import { startBroker } from "@rabbit-rpc/rabbit-rpc/broker";
 *
 * const permissions = {
 *   configure: "^(calc|rabbit-rpc\\.cancel\\.calc|amq\\.gen-.*)$",
 *   write: "^(rabbit-rpc\\.cancel\\.calc|amq\\.(default|gen-.*))$",
 *   read: "^(calc|rabbit-rpc\\.cancel\\.calc|amq\\.gen-.*)$",
 * };
 * await using broker = await startBroker({
 *   as: "3.10",
 *   users: new Map([["calc", { password: "secret", permissions }]]),
 * });
 * console.log(broker.url); // amqp://calc:secret@127.0.0.1:...
 * ```
 *
 * @throws {RangeError} naming an option that is out of range, or a permission
 *   that is not a valid regular expression.
 * @throws {Deno.errors.AddrInUse} if the port is taken.
 */
export function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  return Promise.try(() => {
    const settings = settingsOf(options);
    const { hostname, port } = settings;
    return new EmbeddedBroker(settings, Deno.listen({ hostname, port }));
  });
}
