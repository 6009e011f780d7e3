/** A client's connection, as a test sees it. */
import type { BrokerConnection } from "./api.ts";
import type { ClientConnection } from "../connection/client.ts";
import type { OpenConnection } from "../connection/open_connection.ts";
import { checkReason, Fault } from "./faults.ts";
import { decodeText } from "../../amqp091/reader.ts";
import { asText, lookup } from "../../amqp091/table.ts";

/** Shows and breaks an open connection; api.ts describes its members. */
export class TestedConnection implements BrokerConnection {
  readonly #client: ClientConnection;

  constructor(client: ClientConnection) {
    this.#client = client;
  }

  get #open(): OpenConnection {
    const { open } = this.#client;
    if (open === undefined) throw new Error("the connection is not open yet");
    return open;
  }

  get name(): string {
    const { clientProperties } = this.#open;
    return asText(lookup(clientProperties, "connection_name")) ?? "";
  }

  get user(): string {
    return decodeText(this.#open.access.user);
  }

  get vhost(): string {
    return decodeText(this.#open.vhost.name);
  }

  get channels(): number {
    return this.#open.channels.size;
  }

  get blocked(): boolean {
    return this.#client.throttle.blocked;
  }

  drop(): void {
    this.#client.destroy();
  }

  stall(): Fault {
    return new Fault(this.#client.throttle.stall());
  }

  block(reason = "low on memory"): Fault {
    checkReason(reason);
    return new Fault(this.#client.throttle.block(reason));
  }
}
