/**
 * The methods a client may send: how each one's arguments are read. The
 * methods a server sends are in replies.ts.
 */
import { AmqpError } from "./errors.ts";
import type { Reader } from "./reader.ts";
import { readTable } from "./table.ts";

type Decode = (reader: Reader) => object;

/** Bits are packed into octets, the first one lowest. */
function bits(reader: Reader): (index: number) => boolean {
  const octet = reader.octet();
  return (index) => (octet >> index & 1) === 1;
}

/** The ticket of AMQP 0-8, still there and always ignored. */
function ticket(reader: Reader): void {
  reader.short();
}

const connection = {
  "connection.start-ok": (r: Reader) => ({
    clientProperties: readTable(r),
    mechanism: r.name(),
    response: r.longstr(),
    locale: r.name(),
  }),
  "connection.secure-ok": (r: Reader) => ({ response: r.longstr() }),
  "connection.tune-ok": (r: Reader) => ({
    channelMax: r.short(),
    frameMax: r.long(),
    heartbeatS: r.short(),
  }),
  "connection.open": (r: Reader) => {
    const vhost = r.name();
    r.name();
    r.octet();
    return { vhost };
  },
  "connection.close": closing,
  "connection.close-ok": nothing,
  "connection.update-secret": (r: Reader) => ({
    newSecret: r.longstr(),
    reason: r.name(),
  }),
} satisfies Record<string, Decode>;

function nothing(_reader: Reader): Record<never, never> {
  return {};
}

function closing(r: Reader) {
  return {
    replyCode: r.short(),
    replyText: r.name(),
    classId: r.short(),
    methodId: r.short(),
  };
}

const channel = {
  "channel.open": (r: Reader) => {
    r.name();
    return {};
  },
  "channel.flow": (r: Reader) => ({ active: bits(r)(0) }),
  "channel.flow-ok": (r: Reader) => ({ active: bits(r)(0) }),
  "channel.close": closing,
  "channel.close-ok": nothing,
  "access.request": (r: Reader) => {
    r.name();
    r.octet();
    return {};
  },
  "confirm.select": (r: Reader) => ({ noWait: bits(r)(0) }),
  "tx.select": nothing,
  "tx.commit": nothing,
  "tx.rollback": nothing,
} satisfies Record<string, Decode>;

function exchangeBinding(r: Reader) {
  ticket(r);
  return {
    destination: r.name(),
    source: r.name(),
    routingKey: r.name(),
    noWait: bits(r)(0),
    arguments: readTable(r),
  };
}

const exchange = {
  "exchange.declare": (r: Reader) => {
    ticket(r);
    const exchange = r.name();
    const type = r.name();
    const bit = bits(r);
    return {
      exchange,
      type,
      passive: bit(0),
      durable: bit(1),
      autoDelete: bit(2),
      internal: bit(3),
      noWait: bit(4),
      arguments: readTable(r),
    };
  },
  "exchange.delete": (r: Reader) => {
    ticket(r);
    const exchange = r.name();
    const bit = bits(r);
    return { exchange, ifUnused: bit(0), noWait: bit(1) };
  },
  "exchange.bind": exchangeBinding,
  "exchange.unbind": exchangeBinding,
} satisfies Record<string, Decode>;

const queue = {
  "queue.declare": (r: Reader) => {
    ticket(r);
    const queue = r.name();
    const bit = bits(r);
    return {
      queue,
      passive: bit(0),
      durable: bit(1),
      exclusive: bit(2),
      autoDelete: bit(3),
      noWait: bit(4),
      arguments: readTable(r),
    };
  },
  "queue.bind": (r: Reader) => {
    ticket(r);
    return {
      queue: r.name(),
      exchange: r.name(),
      routingKey: r.name(),
      noWait: bits(r)(0),
      arguments: readTable(r),
    };
  },
  "queue.unbind": (r: Reader) => {
    ticket(r);
    return {
      queue: r.name(),
      exchange: r.name(),
      routingKey: r.name(),
      arguments: readTable(r),
    };
  },
  "queue.purge": (r: Reader) => {
    ticket(r);
    return { queue: r.name(), noWait: bits(r)(0) };
  },
  "queue.delete": (r: Reader) => {
    ticket(r);
    const queue = r.name();
    const bit = bits(r);
    return { queue, ifUnused: bit(0), ifEmpty: bit(1), noWait: bit(2) };
  },
} satisfies Record<string, Decode>;

const basic = {
  "basic.qos": (r: Reader) => ({
    prefetchSize: r.long(),
    prefetchCount: r.short(),
    global: bits(r)(0),
  }),
  "basic.consume": (r: Reader) => {
    ticket(r);
    const queue = r.name();
    const consumerTag = r.name();
    const bit = bits(r);
    return {
      queue,
      consumerTag,
      noLocal: bit(0),
      noAck: bit(1),
      exclusive: bit(2),
      noWait: bit(3),
      arguments: readTable(r),
    };
  },
  "basic.cancel": (r: Reader) => ({
    consumerTag: r.name(),
    noWait: bits(r)(0),
  }),
  "basic.publish": (r: Reader) => {
    ticket(r);
    const exchange = r.name();
    const routingKey = r.name();
    const flags = r.octet();
    return {
      exchange,
      routingKey,
      mandatory: (flags & 1) !== 0,
      immediate: (flags & 2) !== 0,
    };
  },
  "basic.get": (r: Reader) => {
    ticket(r);
    return { queue: r.name(), noAck: bits(r)(0) };
  },
  "basic.ack": (r: Reader) => ({
    deliveryTag: r.longlong(),
    multiple: (r.octet() & 1) !== 0,
  }),
  "basic.reject": (r: Reader) => ({
    deliveryTag: r.longlong(),
    requeue: (r.octet() & 1) !== 0,
  }),
  "basic.nack": (r: Reader) => {
    const deliveryTag = r.longlong();
    const bit = bits(r);
    return { deliveryTag, multiple: bit(0), requeue: bit(1) };
  },
  "basic.recover-async": (r: Reader) => ({ requeue: bits(r)(0) }),
  "basic.recover": (r: Reader) => ({ requeue: bits(r)(0) }),
} satisfies Record<string, Decode>;

const CONNECTION_METHODS = connection;
const CHANNEL_METHODS = { ...channel, ...exchange, ...queue, ...basic };
const METHODS = { ...CONNECTION_METHODS, ...CHANNEL_METHODS };

type Methods = typeof METHODS;
/** The name of a method on channel 0. */
export type ConnectionMethod = keyof typeof CONNECTION_METHODS;
/** The name of a method on any other channel. */
export type ChannelMethod = keyof typeof CHANNEL_METHODS;
/** The decoded arguments of a method. */
export type Arguments<Name extends keyof Methods> = ReturnType<Methods[Name]>;

const IDS: Readonly<Record<keyof Methods, readonly [number, number]>> = {
  "connection.start-ok": [10, 11],
  "connection.secure-ok": [10, 21],
  "connection.tune-ok": [10, 31],
  "connection.open": [10, 40],
  "connection.close": [10, 50],
  "connection.close-ok": [10, 51],
  "connection.update-secret": [10, 70],
  "channel.open": [20, 10],
  "channel.flow": [20, 20],
  "channel.flow-ok": [20, 21],
  "channel.close": [20, 40],
  "channel.close-ok": [20, 41],
  "access.request": [30, 10],
  "exchange.declare": [40, 10],
  "exchange.delete": [40, 20],
  "exchange.bind": [40, 30],
  "exchange.unbind": [40, 40],
  "queue.declare": [50, 10],
  "queue.bind": [50, 20],
  "queue.purge": [50, 30],
  "queue.delete": [50, 40],
  "queue.unbind": [50, 50],
  "basic.qos": [60, 10],
  "basic.consume": [60, 20],
  "basic.cancel": [60, 30],
  "basic.publish": [60, 40],
  "basic.get": [60, 70],
  "basic.ack": [60, 80],
  "basic.reject": [60, 90],
  "basic.recover-async": [60, 100],
  "basic.recover": [60, 110],
  "basic.nack": [60, 120],
  "confirm.select": [85, 10],
  "tx.select": [90, 10],
  "tx.commit": [90, 20],
  "tx.rollback": [90, 30],
};

/** A method's class and method id in one number, as they stand in a frame. */
export function methodId(classId: number, method: number): number {
  return classId * 0x10000 + method;
}

const NAMES: ReadonlyMap<number, keyof Methods> = new Map(
  Object.entries(IDS).map(([name, [classId, method]]) => [
    methodId(classId, method),
    name as keyof Methods,
  ]),
);

/**
 * The name of the method with this id.
 *
 * @throws {AmqpError} 540 NOT_IMPLEMENTED if there is none that a client may
 *   send.
 */
export function methodName(id: number): keyof Methods {
  const name = NAMES.get(id);
  if (name === undefined) {
    throw new AmqpError(
      "NOT_IMPLEMENTED",
      `unknown method, class ${id >>> 16}, method ${id & 0xffff}`,
    );
  }
  return name;
}

/** Whether the method belongs on channel 0. */
export function isConnectionMethod(
  name: keyof Methods,
): name is ConnectionMethod {
  return name in CONNECTION_METHODS;
}

/**
 * Reads the arguments of a method.
 *
 * @throws {AmqpError} 502 SYNTAX_ERROR if they are malformed.
 */
export function readArguments<Name extends keyof Methods>(
  name: Name,
  reader: Reader,
): Arguments<Name> {
  const decode = METHODS[name] as (r: Reader) => Arguments<Name>;
  const args = decode(reader);
  reader.finish();
  return args;
}
