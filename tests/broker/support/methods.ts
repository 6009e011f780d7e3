// What a server sends, decoded for a client in tests.

import { Reader } from "../../../src/amqp091/reader.ts";
import { readTable } from "../../../src/amqp091/table.ts";

const nothing = () => ({});
const close = (r: Reader) => ({
  code: r.short(),
  replyText: r.shortstr(),
  classId: r.short(),
  methodId: r.short(),
});
const tag = (r: Reader) => ({ consumerTag: r.shortstr() });
const settled = (r: Reader) => ({
  deliveryTag: r.longlong(),
  flags: r.octet(),
});

/** Methods by name: class, method and how to read the arguments. */
export const SERVER_METHODS = {
  "connection.start": [10, 10, (r: Reader) => ({
    major: r.octet(),
    minor: r.octet(),
    serverProperties: readTable(r),
    mechanisms: r.longstr(),
    locales: r.longstr(),
  })],
  "connection.tune": [10, 30, (r: Reader) => ({
    channelMax: r.short(),
    frameMax: r.long(),
    heartbeat: r.short(),
  })],
  "connection.open-ok": [10, 41, nothing],
  "connection.blocked": [10, 60, (r: Reader) => ({ reason: r.shortstr() })],
  "connection.unblocked": [10, 61, () => ({})],
  "connection.close": [10, 50, close],
  "connection.close-ok": [10, 51, nothing],
  "connection.update-secret-ok": [10, 71, nothing],
  "channel.open-ok": [20, 11, nothing],
  "channel.flow-ok": [20, 21, (r: Reader) => ({ active: r.octet() })],
  "channel.close": [20, 40, close],
  "channel.close-ok": [20, 41, nothing],
  "exchange.declare-ok": [40, 11, nothing],
  "exchange.delete-ok": [40, 21, nothing],
  "exchange.bind-ok": [40, 31, nothing],
  "exchange.unbind-ok": [40, 51, nothing],
  "queue.declare-ok": [50, 11, (r: Reader) => ({
    queue: r.shortstr(),
    messages: r.long(),
    consumers: r.long(),
  })],
  "queue.bind-ok": [50, 21, nothing],
  "queue.purge-ok": [50, 31, (r: Reader) => ({ messages: r.long() })],
  "queue.delete-ok": [50, 41, (r: Reader) => ({ messages: r.long() })],
  "queue.unbind-ok": [50, 51, nothing],
  "basic.qos-ok": [60, 11, nothing],
  "basic.consume-ok": [60, 21, tag],
  "basic.cancel": [60, 30, tag],
  "basic.cancel-ok": [60, 31, tag],
  "basic.return": [60, 50, (r: Reader) => ({
    code: r.short(),
    replyText: r.shortstr(),
    exchange: r.shortstr(),
    routingKey: r.shortstr(),
  })],
  "basic.deliver": [60, 60, (r: Reader) => ({
    consumerTag: r.shortstr(),
    deliveryTag: r.longlong(),
    redelivered: r.octet() === 1,
    exchange: r.shortstr(),
    routingKey: r.shortstr(),
  })],
  "basic.get-ok": [60, 71, (r: Reader) => ({
    deliveryTag: r.longlong(),
    redelivered: r.octet() === 1,
    exchange: r.shortstr(),
    routingKey: r.shortstr(),
    messages: r.long(),
  })],
  "basic.get-empty": [60, 72, nothing],
  "basic.ack": [60, 80, settled],
  "basic.nack": [60, 120, settled],
  "basic.recover-ok": [60, 111, nothing],
  "confirm.select-ok": [85, 11, nothing],
  "tx.select-ok": [90, 11, nothing],
  "tx.commit-ok": [90, 21, nothing],
  "tx.rollback-ok": [90, 31, nothing],
} as const;

export type ServerMethod = keyof typeof SERVER_METHODS;
export type ServerArguments<Name extends ServerMethod> = ReturnType<
  (typeof SERVER_METHODS)[Name][2]
>;

const CONTENT: readonly ServerMethod[] = [
  "basic.return",
  "basic.deliver",
  "basic.get-ok",
];

/** Whether a message follows the method. */
export function hasContent(name: ServerMethod): boolean {
  return CONTENT.includes(name);
}

/** The name and the decoded arguments of a method frame's payload. */
export function decodeMethod(
  payload: Uint8Array,
): { name: ServerMethod; args: object } {
  const reader = new Reader(payload);
  const classId = reader.short();
  const method = reader.short();
  for (const [name, [c, m, decode]] of Object.entries(SERVER_METHODS)) {
    if (c === classId && m === method) {
      return { name: name as ServerMethod, args: decode(reader) };
    }
  }
  throw new Error(`the server sent an unknown method ${classId}.${method}`);
}
