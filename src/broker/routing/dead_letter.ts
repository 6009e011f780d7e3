/** What a message looks like after it died in a queue. */
import type { Behavior } from "../generation.ts";
import { copiesIn, editContent, headers, type Message } from "./message.ts";
import type { DeathReason } from "./queue.ts";
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

/** One death: where, why and from which exchange. */
export interface Death {
  readonly queue: string;
  readonly reason: DeathReason;
  /** The exchange that takes the message over. */
  readonly exchange: string;
  /** The routing key it gets; undefined to keep what it has. */
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

/** What clients say of deaths counts for nothing, and the last one is told. */
function withOwnDeath(before: Table, message: Message, death: Death): Table {
  const known = message.died
    ? before
    : before.filter(([key]) => key !== "x-death");
  const last: Table = [
    ["x-last-death-exchange", stringField(message.exchange)],
    ["x-last-death-queue", stringField(death.queue)],
    ["x-last-death-reason", stringField(death.reason)],
  ];
  // The expiration comes first in the tables of those generations.
  const event = newDeath(message, death).toSorted(([a], [b]) =>
    Number(b === EXPIRATION) - Number(a === EXPIRATION)
  );
  return ordered([...last, ...withDeath(known, event, death)]);
}

/** @param fresh the event, if it is the first of its kind */
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
  // The header stays when the keys have been replaced; secret ones are gone.
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
 * Whether a message that died comes back to this queue without any client
 * having had a hand in it: such a circle would never end.
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
