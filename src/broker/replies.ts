/** The methods that the broker sends, written to a connection's output. */
import type { Message } from "./message.ts";
import { methodId } from "./methods.ts";
import type { Output } from "./output.ts";
import type { Table } from "./table.ts";

const CONNECTION_START = methodId(10, 10);
const CONNECTION_TUNE = methodId(10, 30);
const CONNECTION_OPEN_OK = methodId(10, 41);
const CONNECTION_CLOSE = methodId(10, 50);
const CONNECTION_CLOSE_OK = methodId(10, 51);
const CONNECTION_BLOCKED = methodId(10, 60);
const CONNECTION_UNBLOCKED = methodId(10, 61);
const CONNECTION_UPDATE_SECRET_OK = methodId(10, 71);
const CHANNEL_OPEN_OK = methodId(20, 11);
const CHANNEL_FLOW_OK = methodId(20, 21);
const CHANNEL_CLOSE = methodId(20, 40);
const ACCESS_REQUEST_OK = methodId(30, 11);
const QUEUE_DECLARE_OK = methodId(50, 11);
const BASIC_CONSUME_OK = methodId(60, 21);
const BASIC_CANCEL = methodId(60, 30);
const BASIC_CANCEL_OK = methodId(60, 31);
const BASIC_RETURN = methodId(60, 50);
const BASIC_DELIVER = methodId(60, 60);
const BASIC_GET_OK = methodId(60, 71);
const BASIC_GET_EMPTY = methodId(60, 72);
const BASIC_ACK = methodId(60, 80);
const BASIC_NACK = methodId(60, 120);

/** The replies that say no more than "done". */
const PLAIN_OK = {
  "channel.close-ok": methodId(20, 41),
  "exchange.declare-ok": methodId(40, 11),
  "exchange.delete-ok": methodId(40, 21),
  "exchange.bind-ok": methodId(40, 31),
  "exchange.unbind-ok": methodId(40, 51),
  "queue.bind-ok": methodId(50, 21),
  "queue.unbind-ok": methodId(50, 51),
  "basic.qos-ok": methodId(60, 11),
  "basic.recover-ok": methodId(60, 111),
  "confirm.select-ok": methodId(85, 11),
  "tx.select-ok": methodId(90, 11),
  "tx.commit-ok": methodId(90, 21),
  "tx.rollback-ok": methodId(90, 31),
} as const;

/** The replies that say how many messages went. */
const COUNT_OK = {
  "queue.purge-ok": methodId(50, 31),
  "queue.delete-ok": methodId(50, 41),
} as const;

export function connectionStart(
  out: Output,
  serverProperties: Table,
  mechanisms: string,
): void {
  out.method(0, CONNECTION_START).octet(0).octet(9);
  out.table(serverProperties).longstr(mechanisms).longstr("en_US").end();
}

export function connectionTune(
  out: Output,
  tune: { channelMax: number; frameMax: number; heartbeatS: number },
): void {
  out.method(0, CONNECTION_TUNE).short(tune.channelMax).long(tune.frameMax)
    .short(tune.heartbeatS).end();
}

/** @param reason a byte string of at most 255 octets */
export function connectionBlocked(out: Output, reason: string): void {
  out.method(0, CONNECTION_BLOCKED).shortstr(reason).end();
}

export function connectionUnblocked(out: Output): void {
  out.method(0, CONNECTION_UNBLOCKED).end();
}

export function connectionOpenOk(out: Output): void {
  out.method(0, CONNECTION_OPEN_OK).shortstr("").end();
}

/** Why something is closed: `method` is the failed method's id, 0 for none. */
export interface Reason {
  code: number;
  replyText: string;
}

export function connectionClose(
  out: Output,
  reason: Reason,
  method: number,
): void {
  out.method(0, CONNECTION_CLOSE).short(reason.code)
    .shortstr(reason.replyText).long(method).end();
}

export function connectionCloseOk(out: Output): void {
  out.method(0, CONNECTION_CLOSE_OK).end();
}

export function connectionUpdateSecretOk(out: Output): void {
  out.method(0, CONNECTION_UPDATE_SECRET_OK).end();
}

export function channelOpenOk(out: Output, channel: number): void {
  out.method(channel, CHANNEL_OPEN_OK).longstr("").end();
}

export function channelFlowOk(out: Output, channel: number): void {
  out.method(channel, CHANNEL_FLOW_OK).octet(1).end();
}

export function channelClose(
  out: Output,
  channel: number,
  reason: Reason,
  method: number,
): void {
  out.method(channel, CHANNEL_CLOSE).short(reason.code)
    .shortstr(reason.replyText).long(method).end();
}

export function accessRequestOk(out: Output, channel: number): void {
  out.method(channel, ACCESS_REQUEST_OK).short(1).end();
}

export function ok(
  out: Output,
  channel: number,
  name: keyof typeof PLAIN_OK,
): void {
  out.method(channel, PLAIN_OK[name]).end();
}

export function countOk(
  out: Output,
  channel: number,
  name: keyof typeof COUNT_OK,
  messages: number,
): void {
  out.method(channel, COUNT_OK[name]).long(messages).end();
}

export function queueDeclareOk(
  out: Output,
  channel: number,
  queue: string,
  counts: { messages: number; consumers: number },
): void {
  out.method(channel, QUEUE_DECLARE_OK).shortstr(queue)
    .long(counts.messages).long(counts.consumers).end();
}

export function basicConsumeOk(
  out: Output,
  channel: number,
  tag: string,
): void {
  out.method(channel, BASIC_CONSUME_OK).shortstr(tag).end();
}

/** Tells a client that its consumer is gone: its queue was deleted. */
export function basicCancel(out: Output, channel: number, tag: string): void {
  out.method(channel, BASIC_CANCEL).shortstr(tag).octet(1).end();
}

export function basicCancelOk(out: Output, channel: number, tag: string): void {
  out.method(channel, BASIC_CANCEL_OK).shortstr(tag).end();
}

/** Gives a mandatory message that no queue took back to its publisher. */
export function basicReturn(
  out: Output,
  channel: number,
  message: Message,
  frameMax: number,
): void {
  out.method(channel, BASIC_RETURN).short(312).shortstr("NO_ROUTE")
    .shortstr(message.exchange).shortstr(message.routingKey).end();
  out.content(channel, message, frameMax);
}

/** What a delivery says beside the message. */
export interface Delivered {
  deliveryTag: number;
  redelivered: boolean;
}

export function basicDeliver(
  out: Output,
  channel: number,
  consumerTag: string,
  delivered: Delivered,
  message: Message,
  frameMax: number,
): void {
  out.method(channel, BASIC_DELIVER).shortstr(consumerTag)
    .longlong(delivered.deliveryTag).octet(delivered.redelivered ? 1 : 0)
    .shortstr(message.exchange).shortstr(message.routingKey).end();
  out.content(channel, message, frameMax);
}

export function basicGetOk(
  out: Output,
  channel: number,
  delivered: Delivered,
  message: Message,
  left: number,
  frameMax: number,
): void {
  out.method(channel, BASIC_GET_OK).longlong(delivered.deliveryTag)
    .octet(delivered.redelivered ? 1 : 0).shortstr(message.exchange)
    .shortstr(message.routingKey).long(left).end();
  out.content(channel, message, frameMax);
}

export function basicGetEmpty(out: Output, channel: number): void {
  out.method(channel, BASIC_GET_EMPTY).shortstr("").end();
}

export function basicAck(
  out: Output,
  channel: number,
  tag: number,
  multiple: boolean,
): void {
  out.method(channel, BASIC_ACK).longlong(tag).octet(multiple ? 1 : 0).end();
}

export function basicNack(out: Output, channel: number, tag: number): void {
  out.method(channel, BASIC_NACK).longlong(tag).octet(0).end();
}
