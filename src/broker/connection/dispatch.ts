/** Which function does what each method of a channel asks for. */
import * as binding from "./binding.ts";
import type { Channel } from "./channel.ts";
import * as consuming from "./consuming.ts";
import { AmqpError } from "../../amqp091/errors.ts";
import type { Arguments, ClientChannelMethod } from "../../amqp091/methods.ts";
import * as publishing from "./publishing.ts";
import * as topology from "./topology.ts";

type Handlers = {
  readonly [Name in ClientChannelMethod]: (
    channel: Channel,
    args: Arguments<Name>,
  ) => void;
};

/** Closing is the connection's to do; the others answer what was never sent. */
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
  "exchange.declare": topology.exchangeDeclare,
  "exchange.delete": topology.exchangeDelete,
  "exchange.bind": binding.exchangeBind,
  "exchange.unbind": binding.exchangeUnbind,
  "queue.declare": topology.queueDeclare,
  "queue.bind": binding.queueBind,
  "queue.unbind": binding.queueUnbind,
  "queue.purge": topology.queuePurge,
  "queue.delete": topology.queueDelete,
  "basic.qos": consuming.qos,
  "basic.consume": consuming.consume,
  "basic.cancel": consuming.cancel,
  "basic.publish": publishing.startPublish,
  "basic.get": consuming.get,
  "basic.ack": consuming.ack,
  "basic.reject": consuming.reject,
  "basic.nack": consuming.nack,
  "basic.recover-async": consuming.recoverAsync,
  "basic.recover": consuming.recover,
  "confirm.select": publishing.confirmSelect,
  "tx.select": publishing.txSelect,
  "tx.commit": publishing.txCommit,
  "tx.rollback": publishing.txRollback,
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
 * Does what a method asks for.
 *
 * @throws {AmqpError} if it can't be done.
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
