/** Dead-lettering: the headers of a message that died in a queue. */
import type { Behavior } from "../generation.ts";
import { copiesIn, editContent, headers, type Message } from "./message.ts";
import {
  arrayField,
  asArray,
  asInteger,
  asString,
  asTable,
  type Field,
  longField,
  lookup,
  ordered,
  stringField,
  type Table,
  tableField,
  withField,
} from "../../amqp091/table.ts";

const EXPIRATION = "original-expiration";

/** Why a message is dead-lettered, as x-death puts it. */
export type DeathReason = "rejected" | "expired" | "maxlen" | "delivery_limit";

/** The death of a message: where, why, and where it goes next. */
export interface Death {
  readonly queue: string;
  readonly reason: DeathReason;
  /** The dead-letter exchange. */
  readonly exchange: string;
  /** The dead-letter routing key; undefined to keep the message's own. */
  readonly routingKey: string | undefined;
}

/** The message as it is published to the dead-letter exchange. */
export function deadMessage(
  message: Message,
  death: Death,
  { ownsDeaths }: Behavior,
): Message {
  const keepsKeys = death.routingKey === undefined;
  let after = ownsDeaths
    ? withOwnDeath(headers(message), message, death)
    : withDeath(headers(message), newDeath(message, death), death);
  if (!keepsKeys && !ownsDeaths) after = after.filter(([key]) => key !== "CC");
  return {
    ...editContent(message.content, message.bodyStart, {
      headers: after,
      dropExpiration: true,
    }),
    exchange: death.exchange,
    routingKey: death.routingKey ?? message.routingKey,
    priority: message.priority,
    expirationMs: undefined,
    copies: keepsKeys ? message.copies : undefined,
    died: true,
  };
}

/**
 * The headers where the broker alone counts deaths: an x-death that a client
 * wrote is dropped, and further headers describe the latest death.
 */
function withOwnDeath(before: Table, message: Message, death: Death): Table {
  const known = message.died
    ? before
    : before.filter(([key]) => key !== "x-death");
  const last: Table = [
    ["x-last-death-exchange", stringField(message.exchange)],
    ["x-last-death-queue", stringField(death.queue)],
    ["x-last-death-reason", stringField(death.reason)],
  ];
  // RabbitMQ 4 puts the expiration first.
  const event = newDeath(message, death).toSorted(([a], [b]) =>
    Number(b === EXPIRATION) - Number(a === EXPIRATION)
  );
  return ordered([...last, ...withDeath(known, event, death)]);
}

/** @param fresh the entry of x-death if there is none for this death yet */
function withDeath(before: Table, fresh: Table, death: Death): Table {
  const deaths = asArray(lookup(before, "x-death"));
  const first = deaths?.findIndex((field) => isDeath(field, death)) ?? -1;
  const event = deaths && first >= 0
    ? counted(asTable(deaths[first]) ?? [])
    : fresh;
  const others = deaths?.filter((_, i) => i !== first) ?? [];
  const all = arrayField([tableField(event), ...others]);
  if (lookup(before, "x-death") !== undefined) {
    return withField(before, "x-death", all);
  }
  return [
    ...before.filter(([key]) => !key.startsWith("x-first-death-")),
    ["x-death", all],
    ["x-first-death-exchange", lookup(fresh, "exchange")!],
    ["x-first-death-queue", stringField(death.queue)],
    ["x-first-death-reason", stringField(death.reason)],
  ];
}

function isDeath(field: Field, { queue, reason }: Death): boolean {
  const table = asTable(field) ?? [];
  return asString(lookup(table, "queue")) === queue &&
    asString(lookup(table, "reason")) === reason;
}

function counted(event: Table): Table {
  const count = asInteger(lookup(event, "count")) ?? 0n;
  return withField(event, "count", longField("l", count + 1n));
}

function newDeath(message: Message, death: Death): Table {
  const { routingKey, copies } = message;
  // Where the dead-letter exchange replaced the keys, CC is only a header. BCC
  // was removed when the message was published.
  const others = copies === undefined ? [] : copiesIn(headers(message), "CC");
  const keys = [routingKey, ...others];
  const event: [string, Field][] = [
    ["count", longField("l", 1n)],
    ["reason", stringField(death.reason)],
    ["queue", stringField(death.queue)],
    ["time", longField("T", BigInt(Math.floor(Date.now() / 1000)))],
    ["exchange", stringField(message.exchange)],
    ["routing-keys", arrayField(keys.map(stringField))],
  ];
  if (message.expirationMs !== undefined) {
    event.push([EXPIRATION, stringField(`${message.expirationMs}`)]);
  }
  return event;
}

/**
 * Whether a dead message has come back to this queue although no client
 * rejected it: such a cycle would never end.
 *
 * @param before the headers of the message
 */
export function isCycle(queue: string, before: Table): boolean {
  for (const field of asArray(lookup(before, "x-death")) ?? []) {
    const event = asTable(field);
    if (event === undefined) return false;
    if (asString(lookup(event, "reason")) === "rejected") return false;
    if (asString(lookup(event, "queue")) === queue) return true;
  }
  return false;
}
