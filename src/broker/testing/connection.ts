/** A client's connection as a test sees it. */
import type { BrokerConnection } from "./api.ts";
import type { Fault } from "./faults.ts";
import { decodeText } from "../../amqp091/reader.ts";
import type { Session } from "../connection/session.ts";
import { asString, lookup } from "../../amqp091/table.ts";

/** The connection of a session; its members are described in api.ts. */
export class SessionConnection implements BrokerConnection {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get name(): string {
    const name = lookup(this.#session.clientProperties, "connection_name");
    return decodeText(asString(name) ?? "");
  }

  get user(): string {
    return decodeText(this.#session.access.user);
  }

  get vhost(): string {
    return decodeText(this.#session.vhost.name);
  }

  get channels(): number {
    return this.#session.channelCount;
  }

  get blocked(): boolean {
    return this.#session.throttle.blocked;
  }

  drop(): void {
    this.#session.destroy();
  }

  stall(): Fault {
    return this.#session.throttle.stall();
  }

  block(reason = "low on memory"): Fault {
    return this.#session.throttle.block(reason);
  }
}
