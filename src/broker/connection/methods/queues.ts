/** queue.declare, purge and delete. */
import type { Channel } from "../channel.ts";
import { exchangeNamed } from "./exchange_argument.ts";
import { REPLY_TO } from "../../routing/direct_reply_to.ts";
import { AmqpError, describe } from "../../../amqp091/errors.ts";
import { assertSame, assertSameArguments } from "../../routing/equivalence.ts";
import { generateName } from "../../routing/generated_names.ts";
import type { Arguments } from "../../../amqp091/methods.ts";
import {
  checkOwner,
  checkReserved,
  clean,
  ownQueue,
  queueName,
} from "./names.ts";
import type { Queue } from "../../routing/queue.ts";
import { checkArguments, withType } from "../../routing/queue_arguments.ts";
import { asString, lookup, type Table } from "../../../amqp091/table.ts";

/** queue.declare */
export function queueDeclare(
  channel: Channel,
  args: Arguments<"queue.declare">,
): void {
  const name = clean(args.queue);
  if (name.startsWith(REPLY_TO)) {
    declareReplyQueue(channel, name, args.noWait);
    return;
  }
  const queue = args.passive
    ? passiveQueue(channel, name)
    : declareQueue(channel, name, args);
  queue.touch();
  channel.lastQueue = queue.name;
  if (args.noWait) return;
  channel.send("queue.declare-ok", {
    queue: queue.name,
    messageCount: queue.ready,
    consumerCount: queue.consumers.size,
  });
}

function passiveQueue(channel: Channel, name: string): Queue {
  channel.access.checkPassive("queue", name);
  return ownQueue(channel, name);
}

/** Lets a server find out whether a client still waits for its reply. */
function declareReplyQueue(
  channel: Channel,
  name: string,
  noWait: boolean,
): void {
  if (!channel.vhost.replyConsumers.has(name)) channel.vhost.queue(name);
  if (noWait) return;
  channel.send("queue.declare-ok", { queue: name, consumerCount: 1 });
}

function declareQueue(
  channel: Channel,
  requested: string,
  args: Arguments<"queue.declare">,
) {
  checkReserved("queue", requested);
  const table = withType(args.arguments, channel.vhost.behavior);
  const name = requested || serverName(table);
  channel.access.check("configure", "queue", name);
  const { autoDelete } = args;
  const owner = args.exclusive ? channel.connection : undefined;
  const durable = args.durable && !args.exclusive;
  const existing = channel.vhost.findQueue(name);
  if (existing !== undefined) {
    const { options } = existing;
    checkOwner(existing, owner);
    assertSame(`${existing}`, "durable", durable, options.durable);
    assertSame(`${existing}`, "auto_delete", autoDelete, options.autoDelete);
    assertSameArguments(`${existing}`, table, options.args);
    return existing;
  }
  const what = describe("queue", name, channel.vhost.name);
  const dlx = exchangeNamed(table, "x-dead-letter-exchange", what);
  if (dlx !== undefined) {
    channel.access.check("read", "queue", name);
    channel.access.check("write", "exchange", dlx);
  }
  checkArguments(table, what, channel.vhost.behavior);
  if (asString(lookup(table, "x-queue-type")) === "quorum") {
    checkQuorum(what, args);
  } else if (!durable && owner === undefined) checkTransient(channel);
  const options = { durable, autoDelete, owner, args: table };
  const queue = channel.vhost.addQueue(name, options);
  owner?.exclusiveQueues.add(queue);
  return queue;
}

/** @throws {AmqpError} 406 for a quorum queue, which needs a name. */
function serverName(args: Table): string {
  if (asString(lookup(args, "x-queue-type")) !== "quorum") {
    return generateName("amq.gen-");
  }
  throw new AmqpError(
    "PRECONDITION_FAILED",
    "Cannot declare a server-named queue for type rabbit_quorum_queue",
  );
}

/** @throws {AmqpError} 406 for a property that a quorum queue can't have. */
function checkQuorum(
  what: string,
  args: Arguments<"queue.declare">,
): void {
  const wrong = args.autoDelete
    ? "auto-delete"
    : args.exclusive
    ? "exclusive-owner"
    : args.durable
    ? undefined
    : "non-durable";
  if (wrong === undefined) return;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `invalid property '${wrong}' for ${what}`,
  );
}

/** @throws {AmqpError} 541, which closes the connection, since RabbitMQ 4.3. */
function checkTransient(channel: Channel): void {
  if (channel.vhost.behavior.transientQueues) return;
  throw new AmqpError(
    "INTERNAL_ERROR",
    "Feature `transient_nonexcl_queues` is deprecated.\n" +
      "By default, this feature is not permitted anymore.\n" +
      "The feature will be removed from a future major RabbitMQ version, " +
      "regardless of the configuration; actual version to be determined.\n" +
      "To continue using this feature when it is not permitted by default, " +
      "set the following parameter in your configuration:\n" +
      '    "deprecated_features.permit.transient_nonexcl_queues = true"',
  );
}

/** queue.purge */
export function queuePurge(
  channel: Channel,
  args: Arguments<"queue.purge">,
): void {
  const name = queueName(channel, args.queue);
  channel.access.check("read", "queue", name);
  const count = ownQueue(channel, name).purge();
  if (args.noWait) return;
  channel.send("queue.purge-ok", { messageCount: count });
}

/** queue.delete; a queue that does not exist is not an error. */
export function queueDelete(
  channel: Channel,
  args: Arguments<"queue.delete">,
): void {
  const name = clean(queueName(channel, args.queue));
  channel.access.check("configure", "queue", name);
  let count = 0;
  if (channel.vhost.findQueue(name) !== undefined) {
    const queue = ownQueue(channel, name);
    if (args.ifUnused && queue.consumers.size > 0) {
      throw new AmqpError("PRECONDITION_FAILED", `${queue} in use`);
    }
    if (args.ifEmpty && queue.ready > 0) {
      throw new AmqpError("PRECONDITION_FAILED", `${queue} not empty`);
    }
    count = queue.ready;
    channel.vhost.deleteQueue(queue);
  }
  if (args.noWait) return;
  channel.send("queue.delete-ok", { messageCount: count });
}
