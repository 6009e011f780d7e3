/** What a test may ask a broker to do wrong. */
import { Holds } from "../holds.ts";
import { decodeText, encodeText } from "../../amqp091/reader.ts";

/** What a short string of AMQP may hold. */
const MAX_REASON_OCTETS = 255;

/**
 * Something that goes wrong until `end`, or the end of a `using` block.
 *
 * @example A broker that hangs, and then goes on
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

  /** Faults are made by a broker and its connections. */
  constructor(end: () => void) {
    this.#end = end;
  }

  /** Ends it; a second time does nothing. */
  end(): void {
    this.#end?.();
    this.#end = undefined;
  }

  /** The same as {@linkcode Fault.end}. */
  [Symbol.dispose](): void {
    this.end();
  }
}

/** Blocks publishers, where `blocks` is looked at, until the fault ends. */
export function blockFor(reason: string, blocks: Holds): Fault {
  const { length } = encodeText(reason);
  if (length > MAX_REASON_OCTETS) {
    throw new RangeError(
      `reason must be of at most ${MAX_REASON_OCTETS} octets, got ${length}`,
    );
  }
  return new Fault(blocks.add(reason));
}

/** A message that a client asks the broker to take. */
export interface PublishedTo {
  /** The exchange, "" for the default one. */
  readonly exchange: string;
  /** The routing key; the queue's name on the default exchange. */
  readonly routingKey: string;
}

/** The faults of a whole broker. */
export class Faults {
  /** Why publishers are blocked; memory that runs low is a reason too. */
  readonly blocks: Holds = new Holds();
  /** Why no publish is confirmed. */
  readonly unconfirmed: Holds = new Holds();
  readonly #logins = new Set<(user: string) => boolean>();
  readonly #nacks = new Set<(published: PublishedTo) => boolean>();

  /** Refuses logins for which `matches` says so. */
  refuseLogins(matches: (user: string) => boolean): () => void {
    return added(this.#logins, matches);
  }

  /** Refuses to take messages for which `matches` says so. */
  nack(matches: (published: PublishedTo) => boolean): () => void {
    return added(this.#nacks, matches);
  }

  /** Whether the login of that user, a byte string, is to be refused. */
  refusesLogin(user: string): boolean {
    return someOf(this.#logins, decodeText(user));
  }

  /** Whether a message, its names being byte strings, is to be refused. */
  nacks({ exchange, routingKey }: PublishedTo): boolean {
    if (this.#nacks.size === 0) return false;
    return someOf(this.#nacks, {
      exchange: decodeText(exchange),
      routingKey: decodeText(routingKey),
    });
  }
}

/** Adds a rule of its own, even where the same function is there already. */
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
