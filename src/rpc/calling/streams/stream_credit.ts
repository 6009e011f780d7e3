/**
 * How much a server may send ahead of a reader.
 *
 * @module
 */
import type { Credit } from "../../stream_wire.ts";
import type { StreamSettings } from "./stream_options.ts";

/** What was granted, and what was taken of it; cumulative, as on the wire. */
export class StreamCredit {
  readonly #ahead: Credit;
  #granted: Credit;
  #items = 0;
  #bytes = 0;

  /** As the request grants it. */
  constructor({ credit, creditBytes }: StreamSettings) {
    this.#ahead = { items: credit, bytes: creditBytes };
    this.#granted = this.#ahead;
  }

  /** What the server may send. */
  get granted(): Credit {
    return this.#granted;
  }

  /** Whether anything was taken. */
  get isUsed(): boolean {
    return this.#items > 0;
  }

  /** The reader took an item; whether it is time to grant more. */
  taken(bytes: number): boolean {
    this.#items++;
    this.#bytes += bytes;
    const left = this.#granted.items - this.#items;
    const bytesLeft = this.#granted.bytes - this.#bytes;
    return left <= this.#ahead.items / 2 || bytesLeft <= this.#ahead.bytes / 2;
  }

  /** What may be sent from now on. */
  grant(): Credit {
    return this.#granted = {
      items: this.#items + this.#ahead.items,
      bytes: this.#bytes + this.#ahead.bytes,
    };
  }
}
