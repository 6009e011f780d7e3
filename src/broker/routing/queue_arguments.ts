/** The optional arguments of queues and consumers, and how they are checked. */
import { AmqpError } from "../../amqp091/errors.ts";
import type { Behavior } from "../generation.ts";
import { printable } from "./fields.ts";
import {
  asBoolean,
  asInteger,
  asString,
  type Field,
  lookup,
  stringField,
  type Table,
  typeName,
} from "../../amqp091/table.ts";

/** How long a delivery may take, in ms: an argument of queues and consumers. */
export const CONSUMER_TIMEOUT = "x-consumer-timeout";

/** Ten years, the longest time that RabbitMQ accepts. */
const MAX_EXPIRY_MS = 315_360_000_000n;

/** Returns what is wrong with a value, in RabbitMQ's words. */
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

/** The names of the arguments that must be equal in every declaration. */
export const QUEUE_ARGUMENTS: readonly string[] = Object.keys(CHECKS);

/**
 * Checks the arguments of a new queue. Unknown arguments are accepted, as
 * RabbitMQ accepts them.
 *
 * @throws {AmqpError} 406 if one is wrong, 540 for an unsupported queue type.
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
  for (const key of refusedBy(type, consumerTimeouts)) {
    if (lookup(args, key) === undefined) continue;
    throw invalid(key, queue, ` of queue type rabbit_${type}_queue`);
  }
}

/**
 * The time that a consumer asks for to settle each delivery, in ms. RabbitMQ
 * ignores it before 4.3; since then quorum queues accept it.
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

/**
 * The priority that a consumer asks for; 0 by default.
 *
 * @throws {AmqpError} 406 if it is wrong.
 */
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

/** The arguments that queues of a type refuse. */
function refusedBy(
  type: "classic" | "quorum",
  timeouts: Behavior["consumerTimeouts"],
): string[] {
  if (type === "quorum") {
    return ["x-max-priority", "x-queue-mode", "x-queue-version"];
  }
  const timeout = timeouts === "quorum" ? [CONSUMER_TIMEOUT] : [];
  return ["x-delivery-limit", ...timeout];
}

/** The arguments, with the default queue type where RabbitMQ adds it. */
export function withType(args: Table, { namesDefaultType }: Behavior): Table {
  if (!namesDefaultType || lookup(args, "x-queue-type")) return args;
  return [...args, ["x-queue-type", stringField("classic")]];
}
