/** The handler of each method that a client may send on a channel. */
import * as binding from "./binding.ts";
import type { Channel } from "../channel.ts";
import * as consuming from "./consuming.ts";
import { AmqpError } from "../../../amqp091/errors.ts";
import type {
  Arguments,
  ClientChannelMethod,
} from "../../../amqp091/methods.ts";
import * as exchanges from "./exchanges.ts";
import * as publishing from "./publishing.ts";
import * as queues from "./queues.ts";
import * as settling from "./settling.ts";

type Handlers = {
  readonly [Name in ClientChannelMethod]: (
    channel: Channel,
    args: Arguments<Name>,
  ) => void;
};

/** `Channels` handles closing; the others answer methods that are never sent. */
function outOfPlace(): never {
  throw new AmqpError("COMMAND_INVALID", "unimplemented method");
}

const HANDLERS: Handlers = {
  "channel.open": open,
  "channel.flow": flow,
  "channel.flow-ok": outOfPlace,
  "channel.close": outOfPlace,
  "channel.close-ok": outOfPlace,
  "basic.cancel-ok": outOfPlace,
  "access.request": (channel) =>
    channel.send("access.request-ok", { ticket: 1 }),
  "exchange.declare": exchanges.exchangeDeclare,
  "exchange.delete": exchanges.exchangeDelete,
  "exchange.bind": binding.exchangeBind,
  "exchange.unbind": binding.exchangeUnbind,
  "queue.declare": queues.queueDeclare,
  "queue.bind": binding.queueBind,
  "queue.unbind": binding.queueUnbind,
  "queue.purge": queues.queuePurge,
  "queue.delete": queues.queueDelete,
  "basic.qos": consuming.qos,
  "basic.consume": consuming.consume,
  "basic.cancel": consuming.cancel,
  "basic.publish": publishing.startPublish,
  "basic.get": consuming.get,
  "basic.ack": settling.ack,
  "basic.reject": settling.reject,
  "basic.nack": settling.nack,
  "basic.recover-async": settling.recoverAsync,
  "basic.recover": settling.recover,
  "confirm.select": publishing.confirmSelect,
  "tx.select": settling.txSelect,
  "tx.commit": settling.txCommit,
  "tx.rollback": settling.txRollback,
};

function open(channel: Channel): void {
  if (channel.state === "open") {
    throw new AmqpError("CHANNEL_ERROR", "second 'channel.open' seen");
  }
  channel.state = "open";
  channel.send("channel.open-ok");
}

function flow(channel: Channel, args: Arguments<"channel.flow">): void {
  if (!args.active) throw new AmqpError("NOT_IMPLEMENTED", "active=false");
  channel.send("channel.flow-ok", { active: true });
}

/**
 * Handles a method.
 *
 * @throws {AmqpError} with which to close the channel or the connection.
 */
export function dispatch<Name extends ClientChannelMethod>(
  channel: Channel,
  name: Name,
  args: Arguments<Name>,
): void {
  if (channel.state === "starting" && name !== "channel.open") {
    throw new AmqpError("CHANNEL_ERROR", "expected 'channel.open'");
  }
  HANDLERS[name](channel, args);
}
