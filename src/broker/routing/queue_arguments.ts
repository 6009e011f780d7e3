/**
 * The optional arguments of a queue: which there are, what they may be, and
 * when those of a second declaration mean the same queue.
 */
import { AmqpError } from "../../amqp091/errors.ts";
import type { Behavior } from "../generation.ts";
import {
  asBoolean,
  asInteger,
  asString,
  comparable,
  type Field,
  lookup,
  printable,
  stringField,
  type Table,
  typeName,
} from "../../amqp091/table.ts";

/** How long a delivery may take, in ms: an argument of queues and consumers. */
export const CONSUMER_TIMEOUT = "x-consumer-timeout";

/** Ten years, the longest time that RabbitMQ takes. */
const MAX_EXPIRY_MS = 315_360_000_000n;

/** Says what is wrong with a value, in RabbitMQ's words. */
type Check = (field: Field, args: Table) => string | undefined;

const integer: Check = (field) =>
  asInteger(field) === undefined
    ? `"expected integer, got ${typeName(field)}"`
    : undefined;

const nonNegative: Check = (field, args) =>
  integer(field, args) ?? below(asInteger(field), 0n);

function below(value: bigint | undefined, least: bigint): string | undefined {
  return value !== undefined && value < least
    ? `{value_negative,${value}}`
    : undefined;
}

const expiry: Check = (field, args) => {
  const wrong = nonNegative(field, args);
  if (wrong !== undefined) return wrong;
  const value = asInteger(field) ?? 0n;
  return value > MAX_EXPIRY_MS ? `{value_too_large,${value}}` : undefined;
};

const text: Check = (field) =>
  asString(field) === undefined
    ? `{unacceptable_type,${typeName(field)}}`
    : undefined;

function oneOf(values: readonly string[], wrong: (value: string) => string) {
  const check: Check = (field, args) =>
    text(field, args) ??
      (values.includes(printable(field)) ? undefined : wrong(printable(field)));
  return check;
}

const CHECKS: Readonly<Record<string, Check>> = {
  "x-expires": (field, args) =>
    asInteger(field) === 0n ? "{value_zero,0}" : expiry(field, args),
  "x-message-ttl": expiry,
  "x-dead-letter-exchange": text,
  "x-dead-letter-routing-key": (field, args) =>
    text(field, args) ??
      (lookup(args, "x-dead-letter-exchange") === undefined
        ? "routing_key_but_no_dlx_defined"
        : undefined),
  "x-max-length": nonNegative,
  "x-max-length-bytes": nonNegative,
  "x-max-priority": (field, args) =>
    nonNegative(field, args) ??
      ((asInteger(field) ?? 0n) > 255n
        ? `{max_value_exceeded,${asInteger(field)}}`
        : undefined),
  "x-overflow": oneOf(
    ["drop-head", "reject-publish", "reject-publish-dlx"],
    () => "invalid_overflow",
  ),
  "x-queue-mode": oneOf(
    ["default", "lazy"],
    (value) => `"unsupported queue mode '${value}'"`,
  ),
  "x-queue-version": (field, args) =>
    nonNegative(field, args) ??
      ([1n, 2n].includes(asInteger(field) ?? 0n)
        ? undefined
        : `"unsupported queue version '${asInteger(field)}'"`),
  "x-single-active-consumer": (field) =>
    asBoolean(field) === undefined
      ? `{unacceptable_type,${typeName(field)}}`
      : undefined,
  [CONSUMER_TIMEOUT]: nonNegative,
  "x-queue-type": oneOf(
    ["classic", "quorum", "stream"],
    (value) => `"unsupported queue type '${value}'"`,
  ),
};

/**
 * Checks a new queue's arguments. Those that RabbitMQ does not know either
 * are allowed, as it allows them.
 *
 * @throws {AmqpError} 406 if one is wrong, 540 for queue types that are not
 *   there.
 */
export function checkArguments(
  args: Table,
  queue: string,
  { queueModes, consumerTimeouts }: Behavior,
): void {
  for (const [key, check] of Object.entries(CHECKS)) {
    if (key === "x-queue-mode" && !queueModes) continue;
    if (key === CONSUMER_TIMEOUT && consumerTimeouts !== "quorum") continue;
    const field = lookup(args, key);
    const wrong = field && check(field, args);
    if (wrong !== undefined) throw invalid(key, queue, `: ${wrong}`);
  }
  const type = asString(lookup(args, "x-queue-type")) ?? "classic";
  if (type !== "classic" && type !== "quorum") {
    throw new AmqpError("NOT_IMPLEMENTED", `queues of type '${type}'`);
  }
  for (const key of notFor(type, consumerTimeouts)) {
    if (lookup(args, key) === undefined) continue;
    throw invalid(key, queue, ` of queue type rabbit_${type}_queue`);
  }
}

/**
 * How long a consumer's deliveries may take, in ms, as it asks for in its
 * arguments. Before 4.3 that means nothing; since then quorum queues take it.
 *
 * @throws {AmqpError} 406 if it is wrong.
 */
export function askedTimeoutMs(
  args: Table,
  queue: string,
  isQuorum: boolean,
  { consumerTimeouts }: Behavior,
): number | undefined {
  const field = lookup(args, CONSUMER_TIMEOUT);
  if (field === undefined || consumerTimeouts !== "quorum") return undefined;
  if (!isQuorum) {
    throw invalid(
      CONSUMER_TIMEOUT,
      queue,
      " of queue type rabbit_classic_queue",
    );
  }
  const wrong = nonNegative(field, args);
  if (wrong !== undefined) throw invalid(CONSUMER_TIMEOUT, queue, `: ${wrong}`);
  return Number(asInteger(field));
}

/** What a consumer asks for, the highest first; 0 by default. */
export function askedPriority(args: Table, queue: string): number {
  const field = lookup(args, "x-priority");
  if (field === undefined) return 0;
  const wrong = integer(field, args);
  if (wrong !== undefined) throw invalid("x-priority", queue, `: ${wrong}`);
  return Number(asInteger(field));
}

function invalid(key: string, queue: string, why: string): AmqpError {
  return new AmqpError(
    "PRECONDITION_FAILED",
    `invalid arg '${key}' for ${queue}${why}`,
  );
}

/** The arguments that queues of a type do not take. */
function notFor(
  type: "classic" | "quorum",
  timeouts: Behavior["consumerTimeouts"],
): string[] {
  if (type === "quorum") {
    return ["x-max-priority", "x-queue-mode", "x-queue-version"];
  }
  const none = timeouts === "quorum" ? [CONSUMER_TIMEOUT] : [];
  return ["x-delivery-limit", ...none];
}

/** The arguments with the type that a queue has by default, where it counts. */
export function withType(args: Table, { namesDefaultType }: Behavior): Table {
  if (!namesDefaultType || lookup(args, "x-queue-type")) return args;
  return [...args, ["x-queue-type", stringField("classic")]];
}

/** What the arguments mean. */
export interface QueueSettings {
  /** How long a message may wait, in ms. */
  readonly messageTtlMs: number;
  /** How long the queue may be unused before it is deleted, in ms. */
  readonly expiresMs: number | undefined;
  readonly maxLength: number;
  readonly maxLengthBytes: number;
  readonly maxPriority: number;
  readonly overflow: string;
  readonly deadLetterExchange: string | undefined;
  readonly deadLetterRoutingKey: string | undefined;
  readonly singleActiveConsumer: boolean;
  readonly isQuorum: boolean;
  /** How often a message may come back; then it is dead-lettered. */
  readonly deliveryLimit: number;
  /** Whether what comes back goes to the end. */
  readonly requeuesAtEnd: boolean;
  /** How long a delivery may take, in ms, if the queue says so. */
  readonly consumerTimeoutMs: number | undefined;
}

/** What checked arguments mean. */
export function queueSettings(
  args: Table,
  behavior: Behavior,
): QueueSettings {
  const number = (key: string) => {
    const value = asInteger(lookup(args, key));
    return value === undefined ? undefined : Number(value);
  };
  const string = (key: string) => asString(lookup(args, key));
  const isQuorum = string("x-queue-type") === "quorum";
  const limit = number("x-delivery-limit") ?? behavior.deliveryLimit;
  // A negative limit is none.
  const deliveryLimit = isQuorum && limit >= 0 ? limit : Infinity;
  return {
    messageTtlMs: number("x-message-ttl") ?? Infinity,
    expiresMs: number("x-expires"),
    maxLength: number("x-max-length") ?? Infinity,
    maxLengthBytes: number("x-max-length-bytes") ?? Infinity,
    maxPriority: number("x-max-priority") ?? 0,
    overflow: string("x-overflow") ?? "drop-head",
    deadLetterExchange: string("x-dead-letter-exchange"),
    deadLetterRoutingKey: string("x-dead-letter-routing-key"),
    singleActiveConsumer: asBoolean(lookup(args, "x-single-active-consumer")) ??
      false,
    isQuorum,
    deliveryLimit,
    requeuesAtEnd: isQuorum && deliveryLimit === Infinity &&
      behavior.requeuesAtEnd,
    consumerTimeoutMs: number(CONSUMER_TIMEOUT),
  };
}

/** Throws 406 if an attribute was declared otherwise before. */
export function assertSame(
  what: string,
  name: string,
  received: string | boolean,
  current: string | boolean,
): void {
  if (received === current) return;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `inequivalent arg '${name}' for ${what}: received '${received}' but current is '${current}'`,
  );
}

/** Throws 406 if a queue's arguments were declared otherwise before. */
export function assertSameArguments(
  what: string,
  received: Table,
  current: Table,
): void {
  assertSameFields(what, Object.keys(CHECKS), received, current);
}

/** The same for the named arguments of any thing. */
export function assertSameFields(
  what: string,
  names: readonly string[],
  received: Table,
  current: Table,
): void {
  for (const name of names) {
    const a = lookup(received, name);
    const b = lookup(current, name);
    if (a && b && comparable(a) === comparable(b)) continue;
    if (a && b) assertSame(what, name, printable(a), printable(b));
    const only = a ?? b;
    if (only === undefined || a && b) continue;
    // A classic queue may leave out its type.
    if (name === "x-queue-type" && asString(only) === "classic") continue;
    throw new AmqpError(
      "PRECONDITION_FAILED",
      `inequivalent arg '${name}' for ${what}: received ${
        typed(a)
      } but current is ${typed(b)}`,
    );
  }
}

function typed(field: Field | undefined): string {
  if (field === undefined) return "none";
  return `the value '${printable(field)}' of type '${typeName(field)}'`;
}
