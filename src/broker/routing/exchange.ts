/** Exchanges and their bindings, which decide where a message goes. */
import type { Behavior } from "../generation.ts";
import {
  checkHeadersBinding,
  comparableHeaders,
  type HeadersPattern,
  headersPattern,
  matches,
} from "./headers_match.ts";
import { headers, type Message } from "./message.ts";
import {
  asString,
  lookup,
  type Table,
  tableField,
} from "../../amqp091/table.ts";
import { byteString } from "../../amqp091/reader.ts";
import { checkPattern, TopicTree } from "./topic.ts";

/** What a binding leads to: a queue or another exchange. */
export interface Destination {
  readonly kind: "queue" | "exchange";
  readonly name: string;
  /** Its bindings as a destination. */
  readonly incoming: Set<Binding>;
}

/** A binding; its source and its destination both hold it. */
export interface Binding {
  readonly source: Exchange;
  readonly destination: Destination;
  readonly routingKey: string;
  readonly args: Table;
}

/** Finds the destinations of a message; each type of exchange has its own. */
interface Router {
  add(binding: Binding): void;
  remove(binding: Binding): void;
  route(key: string, message: Message, found: Set<Destination>): void;
}

/** Destinations, counted, since one may be bound several times. */
class Counted extends Map<Destination, number> {
  add(destination: Destination): void {
    this.set(destination, (this.get(destination) ?? 0) + 1);
  }

  remove(destination: Destination): void {
    const count = this.get(destination) ?? 0;
    if (count > 1) this.set(destination, count - 1);
    else this.delete(destination);
  }

  addTo(found: Set<Destination>): void {
    for (const destination of this.keys()) found.add(destination);
  }
}

class FanoutRouter implements Router {
  readonly #bound = new Counted();

  add(binding: Binding): void {
    this.#bound.add(binding.destination);
  }

  remove(binding: Binding): void {
    this.#bound.remove(binding.destination);
  }

  route(_key: string, _message: Message, found: Set<Destination>): void {
    this.#bound.addTo(found);
  }
}

class DirectRouter implements Router {
  readonly #byKey = new Map<string, Counted>();

  add({ routingKey, destination }: Binding): void {
    let bound = this.#byKey.get(routingKey);
    if (bound === undefined) this.#byKey.set(routingKey, bound = new Counted());
    bound.add(destination);
  }

  remove({ routingKey, destination }: Binding): void {
    const bound = this.#byKey.get(routingKey);
    bound?.remove(destination);
    if (bound?.size === 0) this.#byKey.delete(routingKey);
  }

  route(key: string, _message: Message, found: Set<Destination>): void {
    this.#byKey.get(key)?.addTo(found);
  }
}

class TopicRouter implements Router {
  readonly #tree = new TopicTree<Destination>();

  add({ routingKey, destination }: Binding): void {
    this.#tree.add(routingKey, destination);
  }

  remove({ routingKey, destination }: Binding): void {
    this.#tree.remove(routingKey, destination);
  }

  route(key: string, _message: Message, found: Set<Destination>): void {
    this.#tree.match(key, found);
  }
}

class HeadersRouter implements Router {
  readonly #patterns = new Map<Binding, HeadersPattern>();

  add(binding: Binding): void {
    this.#patterns.set(binding, headersPattern(binding.args));
  }

  remove(binding: Binding): void {
    this.#patterns.delete(binding);
  }

  route(_key: string, message: Message, found: Set<Destination>): void {
    const values = comparableHeaders(headers(message));
    for (const [{ destination }, pattern] of this.#patterns) {
      if (!found.has(destination) && matches(pattern, values)) {
        found.add(destination);
      }
    }
  }
}

const ROUTERS = {
  direct: DirectRouter,
  fanout: FanoutRouter,
  topic: TopicRouter,
  headers: HeadersRouter,
} as const;

/** The type of an exchange. */
export type ExchangeType = keyof typeof ROUTERS;

/** Whether exchanges of this type exist. */
export function isExchangeType(type: string): type is ExchangeType {
  return Object.hasOwn(ROUTERS, type);
}

/** How an exchange was declared. */
export interface ExchangeOptions {
  readonly type: ExchangeType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly args: Table;
}

/** An exchange. */
export class Exchange implements Destination {
  readonly kind = "exchange";
  readonly incoming: Set<Binding> = new Set();
  /** The exchange that gets the messages that this one can't route. */
  readonly alternate: string | undefined;
  readonly #outgoing = new Map<string, Binding>();
  readonly #router: Router;

  constructor(readonly name: string, readonly options: ExchangeOptions) {
    this.#router = new ROUTERS[options.type]();
    this.alternate = asString(lookup(options.args, "alternate-exchange"));
  }

  /** Its bindings as a source. */
  get outgoing(): Iterable<Binding> {
    return this.#outgoing.values();
  }

  /** Whether anything is bound to it. */
  get used(): boolean {
    return this.#outgoing.size > 0;
  }

  /** @throws {AmqpError} 406 if the binding is malformed. */
  checkBinding(key: string, args: Table, { maxHashes }: Behavior): void {
    if (this.options.type === "headers") checkHeadersBinding(args);
    if (this.options.type === "topic") checkPattern(key, maxHashes);
  }

  /** Adds a binding; one that exists already stays as it is. */
  bind(destination: Destination, routingKey: string, args: Table): void {
    const key = bindingKey(destination, routingKey, args);
    if (this.#outgoing.has(key)) return;
    const binding = { source: this, destination, routingKey, args };
    this.#outgoing.set(key, binding);
    destination.incoming.add(binding);
    this.#router.add(binding);
  }

  /** The binding with this destination, key and arguments. */
  find(
    destination: Destination,
    routingKey: string,
    args: Table,
  ): Binding | undefined {
    return this.#outgoing.get(bindingKey(destination, routingKey, args));
  }

  /** Removes one of its bindings. */
  unbind(binding: Binding): void {
    const { destination, routingKey, args } = binding;
    this.#outgoing.delete(bindingKey(destination, routingKey, args));
    destination.incoming.delete(binding);
    this.#router.remove(binding);
  }

  /** Adds the destinations of a message with this routing key to `found`. */
  route(key: string, message: Message, found: Set<Destination>): void {
    this.#router.route(key, message, found);
  }
}

/** What identifies a binding; the order of its arguments does not matter. */
function bindingKey(
  destination: Destination,
  routingKey: string,
  args: Table,
): string {
  const { kind, name } = destination;
  const sorted = args.toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return JSON.stringify([
    kind,
    name,
    routingKey,
    byteString(tableField(sorted).bytes),
  ]);
}
