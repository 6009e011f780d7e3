/** exchange.declare and delete. */
import type { Channel } from "../channel.ts";
import { exchangeNamed } from "./exchange_argument.ts";
import { AmqpError, describe } from "../../../amqp091/errors.ts";
import { assertSame, assertSameFields } from "../../routing/equivalence.ts";
import { Exchange, isExchangeType } from "../../routing/exchange.ts";
import type { Arguments } from "../../../amqp091/methods.ts";
import {
  checkNotDefault,
  checkReserved,
  clean,
  isSystemExchange,
} from "./names.ts";

const ALTERNATE = "alternate-exchange";

/** exchange.declare */
export function exchangeDeclare(
  channel: Channel,
  args: Arguments<"exchange.declare">,
): void {
  const name = clean(args.exchange);
  if (args.passive) {
    checkNotDefault(name);
    channel.access.checkPassive("exchange", name);
    channel.vhost.exchange(name);
  } else declareExchange(channel, name, args);
  if (!args.noWait) channel.send("exchange.declare-ok");
}

function declareExchange(
  channel: Channel,
  name: string,
  args: Arguments<"exchange.declare">,
): void {
  const { type, arguments: table } = args;
  if (!isExchangeType(type)) throw unknownType(channel, type);
  checkNotDefault(name);
  channel.access.check("configure", "exchange", name);
  const what = describe("exchange", name, channel.vhost.name);
  const exchange = channel.vhost.findExchange(name);
  if (exchange === undefined) {
    checkReserved("exchange", name);
    const alternate = exchangeNamed(table, ALTERNATE, what);
    if (alternate !== undefined) {
      channel.access.check("read", "exchange", name);
      channel.access.check("write", "exchange", alternate);
    }
    const { durable, autoDelete, internal } = args;
    const options = { type, durable, autoDelete, internal, args: table };
    channel.vhost.addExchange(new Exchange(name, options));
    return;
  }
  const { options } = exchange;
  assertSame(what, "type", type, options.type);
  assertSame(what, "durable", args.durable, options.durable);
  assertSame(what, "auto_delete", args.autoDelete, options.autoDelete);
  assertSame(what, "internal", args.internal, options.internal);
  assertSameFields(what, [ALTERNATE], table, options.args);
}

function unknownType(channel: Channel, type: string): AmqpError {
  const { unknownExchangeTypeIsHard } = channel.vhost.behavior;
  return new AmqpError(
    unknownExchangeTypeIsHard ? "COMMAND_INVALID" : "PRECONDITION_FAILED",
    `unknown exchange type '${type}'`,
  );
}

/** exchange.delete; an exchange that does not exist is not an error. */
export function exchangeDelete(
  channel: Channel,
  args: Arguments<"exchange.delete">,
): void {
  const name = clean(args.exchange);
  const what = describe("exchange", name, channel.vhost.name);
  checkNotDefault(name);
  if (isSystemExchange(name)) {
    throw new AmqpError(
      "ACCESS_REFUSED",
      `deletion of system ${what} not allowed`,
    );
  }
  channel.access.check("configure", "exchange", name);
  const exchange = channel.vhost.findExchange(name);
  if (exchange !== undefined) {
    if (args.ifUnused && exchange.used) {
      throw new AmqpError("PRECONDITION_FAILED", `${what} in use`);
    }
    channel.vhost.deleteExchange(exchange);
  }
  if (!args.noWait) channel.send("exchange.delete-ok");
}
