/** The faults that a test can inject. */
import type { Interference } from "../connection/host.ts";
import { Gate } from "../gate.ts";
import { decodeText, encodeText } from "../../amqp091/reader.ts";

/** The longest short string of AMQP. */
const MAX_REASON_OCTETS = 255;

/**
 * A fault that lasts until `end` is called, or until the `using` block ends.
 *
 * @example A broker that hangs for a while
 * ```ts
 * import { startBroker } from "@rabbit-rpc/rabbit-rpc/broker";
 * import { connect } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 *
 * await using broker = await startBroker();
 * await using rpc = await connect(broker.url);
 * await using server = await rpc.serve("greet", () => "Hello!");
 * {
 *   using _stalled = broker.connections[0].stall();
 *   await assert.rejects(
 *     rpc.call("greet", "", { timeoutMs: 100 }),
 *     { code: "deadline_exceeded" },
 *   );
 * }
 * assert.equal((await rpc.call("greet", "")).text(), "Hello!");
 * ```
 */
export class Fault implements Disposable {
  #end: (() => void) | undefined;

  /** Brokers and their connections create faults; tests only end them. */
  constructor(end: () => void) {
    this.#end = end;
  }

  /** Ends the fault; a second call does nothing. */
  end(): void {
    this.#end?.();
    this.#end = undefined;
  }

  /** The same as {@linkcode Fault.end}. */
  [Symbol.dispose](): void {
    this.end();
  }
}

/** @throws {RangeError} if the reason does not fit into connection.blocked. */
export function checkReason(reason: string): void {
  const { length } = encodeText(reason);
  if (length <= MAX_REASON_OCTETS) return;
  throw new RangeError(
    `reason must have at most ${MAX_REASON_OCTETS} octets, got ${length}`,
  );
}

/** Where a client publishes a message to. */
export interface PublishedTo {
  /** The exchange; "" for the default exchange. */
  readonly exchange: string;
  /** The routing key; on the default exchange, the name of the queue. */
  readonly routingKey: string;
}

/** The faults that concern all connections of a broker. */
export class Faults implements Interference {
  readonly publishing: Gate = new Gate();
  readonly confirms: Gate = new Gate();
  readonly #logins = new Set<(user: string) => boolean>();
  readonly #nacks = new Set<(published: PublishedTo) => boolean>();

  /** Refuses matching logins until the returned function is called. */
  refuseLogins(matches: (user: string) => boolean): () => void {
    return added(this.#logins, matches);
  }

  /** Refuses matching messages until the returned function is called. */
  nack(matches: (published: PublishedTo) => boolean): () => void {
    return added(this.#nacks, matches);
  }

  refusesLogin(user: string): boolean {
    return someOf(this.#logins, decodeText(user));
  }

  nacks({ exchange, routingKey }: PublishedTo): boolean {
    if (this.#nacks.size === 0) return false;
    return someOf(this.#nacks, {
      exchange: decodeText(exchange),
      routingKey: decodeText(routingKey),
    });
  }
}

/** Adds a rule; the same function may be added more than once. */
function added<T>(
  rules: Set<(value: T) => boolean>,
  matches: (value: T) => boolean,
): () => void {
  const rule = (value: T) => matches(value);
  rules.add(rule);
  return () => rules.delete(rule);
}

function someOf<T>(rules: Set<(value: T) => boolean>, value: T): boolean {
  for (const matches of rules) if (matches(value)) return true;
  return false;
}
