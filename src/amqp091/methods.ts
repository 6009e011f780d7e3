/**
 * The methods of AMQP 0-9-1 with RabbitMQ's extensions, in one table. Reading,
 * writing and the types of the arguments all derive from it.
 *
 * @module
 */
import { type Fields, type Kinds, type Method, method } from "./kinds.ts";

const CLOSE = {
  replyCode: "short",
  replyText: "shortstr",
  classId: "short",
  methodId: "short",
} as const;

const EXCHANGE_BINDING = {
  _ticket: "short",
  destination: "name",
  source: "name",
  routingKey: "name",
  noWait: "bit",
  arguments: "table",
} as const;

/** Sent only by clients. */
export const CLIENT_METHODS = {
  "connection.start-ok": method(10, 11, {
    clientProperties: "table",
    mechanism: "name",
    response: "longstr",
    locale: "name",
  }),
  "connection.secure-ok": method(10, 21, { response: "longstr" }),
  "connection.tune-ok": method(10, 31, {
    channelMax: "short",
    frameMax: "long",
    heartbeatS: "short",
  }),
  "connection.open": method(10, 40, {
    vhost: "name",
    _capabilities: "name",
    _insist: "bit",
  }),
  "connection.update-secret": method(10, 70, {
    newSecret: "longstr",
    reason: "name",
  }),
  "channel.open": method(20, 10, { _outOfBand: "name" }),
  "access.request": method(30, 10, {
    _realm: "name",
    _exclusive: "bit",
    _passive: "bit",
    _active: "bit",
    _write: "bit",
    _read: "bit",
  }),
  "exchange.declare": method(40, 10, {
    _ticket: "short",
    exchange: "name",
    type: "name",
    passive: "bit",
    durable: "bit",
    autoDelete: "bit",
    internal: "bit",
    noWait: "bit",
    arguments: "table",
  }),
  "exchange.delete": method(40, 20, {
    _ticket: "short",
    exchange: "name",
    ifUnused: "bit",
    noWait: "bit",
  }),
  "exchange.bind": method(40, 30, EXCHANGE_BINDING),
  "exchange.unbind": method(40, 40, EXCHANGE_BINDING),
  "queue.declare": method(50, 10, {
    _ticket: "short",
    queue: "name",
    passive: "bit",
    durable: "bit",
    exclusive: "bit",
    autoDelete: "bit",
    noWait: "bit",
    arguments: "table",
  }),
  "queue.bind": method(50, 20, {
    _ticket: "short",
    queue: "name",
    exchange: "name",
    routingKey: "name",
    noWait: "bit",
    arguments: "table",
  }),
  "queue.purge": method(50, 30, {
    _ticket: "short",
    queue: "name",
    noWait: "bit",
  }),
  "queue.delete": method(50, 40, {
    _ticket: "short",
    queue: "name",
    ifUnused: "bit",
    ifEmpty: "bit",
    noWait: "bit",
  }),
  "queue.unbind": method(50, 50, {
    _ticket: "short",
    queue: "name",
    exchange: "name",
    routingKey: "name",
    arguments: "table",
  }),
  "basic.qos": method(60, 10, {
    prefetchSize: "long",
    prefetchCount: "short",
    global: "bit",
  }),
  "basic.consume": method(60, 20, {
    _ticket: "short",
    queue: "name",
    consumerTag: "name",
    noLocal: "bit",
    noAck: "bit",
    exclusive: "bit",
    noWait: "bit",
    arguments: "table",
  }),
  "basic.publish": method(60, 40, {
    _ticket: "short",
    exchange: "name",
    routingKey: "name",
    mandatory: "bit",
    immediate: "bit",
  }),
  "basic.get": method(60, 70, {
    _ticket: "short",
    queue: "name",
    noAck: "bit",
  }),
  "basic.reject": method(60, 90, { deliveryTag: "longlong", requeue: "bit" }),
  "basic.recover-async": method(60, 100, { requeue: "bit" }),
  "basic.recover": method(60, 110, { requeue: "bit" }),
  "confirm.select": method(85, 10, { noWait: "bit" }),
  "tx.select": method(90, 10, {}),
  "tx.commit": method(90, 20, {}),
  "tx.rollback": method(90, 30, {}),
} satisfies Record<string, Method>;

/** Sent only by brokers. */
export const BROKER_METHODS = {
  "connection.start": method(10, 10, {
    versionMajor: "octet",
    versionMinor: "octet",
    serverProperties: "table",
    mechanisms: "longstr",
    locales: "longstr",
  }),
  "connection.secure": method(10, 20, { challenge: "longstr" }),
  "connection.tune": method(10, 30, {
    channelMax: "short",
    frameMax: "long",
    heartbeatS: "short",
  }),
  "connection.open-ok": method(10, 41, { _knownHosts: "shortstr" }),
  "connection.blocked": method(10, 60, { reason: "shortstr" }),
  "connection.unblocked": method(10, 61, {}),
  "connection.update-secret-ok": method(10, 71, {}),
  "channel.open-ok": method(20, 11, { _channelId: "longstr" }),
  "access.request-ok": method(30, 11, { ticket: "short" }),
  "exchange.declare-ok": method(40, 11, {}),
  "exchange.delete-ok": method(40, 21, {}),
  "exchange.bind-ok": method(40, 31, {}),
  "exchange.unbind-ok": method(40, 51, {}),
  "queue.declare-ok": method(50, 11, {
    queue: "shortstr",
    messageCount: "long",
    consumerCount: "long",
  }),
  "queue.bind-ok": method(50, 21, {}),
  "queue.purge-ok": method(50, 31, { messageCount: "long" }),
  "queue.delete-ok": method(50, 41, { messageCount: "long" }),
  "queue.unbind-ok": method(50, 51, {}),
  "basic.qos-ok": method(60, 11, {}),
  "basic.consume-ok": method(60, 21, { consumerTag: "shortstr" }),
  "basic.return": method(60, 50, {
    replyCode: "short",
    replyText: "shortstr",
    exchange: "shortstr",
    routingKey: "shortstr",
  }),
  "basic.deliver": method(60, 60, {
    consumerTag: "shortstr",
    deliveryTag: "longlong",
    redelivered: "bit",
    exchange: "shortstr",
    routingKey: "shortstr",
  }),
  "basic.get-ok": method(60, 71, {
    deliveryTag: "longlong",
    redelivered: "bit",
    exchange: "shortstr",
    routingKey: "shortstr",
    messageCount: "long",
  }),
  "basic.get-empty": method(60, 72, { _clusterId: "shortstr" }),
  "basic.recover-ok": method(60, 111, {}),
  "confirm.select-ok": method(85, 11, {}),
  "tx.select-ok": method(90, 11, {}),
  "tx.commit-ok": method(90, 21, {}),
  "tx.rollback-ok": method(90, 31, {}),
} satisfies Record<string, Method>;

/** Sent by both sides. */
export const SHARED_METHODS = {
  "connection.close": method(10, 50, CLOSE),
  "connection.close-ok": method(10, 51, {}),
  "channel.flow": method(20, 20, { active: "bit" }),
  "channel.flow-ok": method(20, 21, { active: "bit" }),
  "channel.close": method(20, 40, CLOSE),
  "channel.close-ok": method(20, 41, {}),
  "basic.cancel": method(60, 30, { consumerTag: "shortstr", noWait: "bit" }),
  "basic.cancel-ok": method(60, 31, { consumerTag: "shortstr" }),
  "basic.ack": method(60, 80, { deliveryTag: "longlong", multiple: "bit" }),
  "basic.nack": method(60, 120, {
    deliveryTag: "longlong",
    multiple: "bit",
    requeue: "bit",
  }),
} satisfies Record<string, Method>;

/** All methods, by name. */
export const METHODS = {
  ...CLIENT_METHODS,
  ...BROKER_METHODS,
  ...SHARED_METHODS,
};

type Methods = typeof METHODS;
/** The name of a method. */
export type MethodName = keyof Methods;
/** The name of a method that a client may send. */
export type ClientMethod =
  | keyof typeof CLIENT_METHODS
  | keyof typeof SHARED_METHODS;
/** The name of a method that a broker may send. */
export type BrokerMethod =
  | keyof typeof BROKER_METHODS
  | keyof typeof SHARED_METHODS;

/** The name of a method that a client may send on channel 0. */
export type ClientConnectionMethod = Extract<
  ClientMethod,
  `connection.${string}`
>;
/** The name of a method that a client may send on other channels. */
export type ClientChannelMethod = Exclude<
  ClientMethod,
  ClientConnectionMethod
>;

/** Whether the method belongs on channel 0. */
export function isConnectionMethod(
  name: ClientMethod,
): name is ClientConnectionMethod {
  return name.startsWith("connection.");
}

type ArgumentsOf<F extends Fields> = {
  -readonly [N in keyof F as N extends `_${string}` ? never : N]: Kinds[F[N]];
};

/** The arguments of a method, without reserved fields. */
export type Arguments<N extends MethodName> = ArgumentsOf<
  Methods[N]["fields"]
>;
