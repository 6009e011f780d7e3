/**
 * How much servers may send ahead of readers.
 *
 * @module
 */
import type { Credit } from "../../stream_wire.ts";
import type { StreamSettings } from "./stream_options.ts";

/**
 * Items that may be on their way to one client, as far as its streams have so
 * much credit of their own. Replies to calls wait behind them.
 */
const SHARED_ITEMS = 4_096;
/** Fewer would cost more in credit messages than they save. */
const LEAST_ITEMS = 8;

/** What the streams of one client share. */
export class SharedCredit {
  #streams = 0;

  /** Another stream shares it. */
  join(): void {
    this.#streams++;
  }

  /** One stream less shares it. */
  leave(): void {
    this.#streams--;
  }

  /** The share of one stream that may have so much. */
  of(items: number): number {
    const share = Math.floor(SHARED_ITEMS / Math.max(this.#streams, 1));
    return Math.min(items, Math.max(share, LEAST_ITEMS));
  }
}

/** What was granted, and what was taken of it; cumulative, as on the wire. */
export class StreamCredit {
  readonly #shared: SharedCredit;
  readonly #most: Credit;
  #granted: Credit;
  #items = 0;
  #bytes = 0;

  /** As the request grants it. */
  constructor({ credit, creditBytes }: StreamSettings, shared: SharedCredit) {
    this.#shared = shared;
    this.#most = { items: credit, bytes: creditBytes };
    this.#granted = { items: shared.of(credit), bytes: creditBytes };
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
    return left <= this.#shared.of(this.#most.items) / 2 ||
      bytesLeft <= this.#most.bytes / 2;
  }

  /** What may be sent from now on; never less than before. */
  grant(): Credit {
    const items = this.#items + this.#shared.of(this.#most.items);
    return this.#granted = {
      items: Math.max(items, this.#granted.items),
      bytes: this.#bytes + this.#most.bytes,
    };
  }
}
