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
  /** The most at a time. */
  readonly #settings: StreamSettings;
  #grantedItems: number;
  #grantedBytes: number;
  #items = 0;
  #bytes = 0;

  /** As the request grants it. */
  constructor(settings: StreamSettings, shared: SharedCredit) {
    this.#shared = shared;
    this.#settings = settings;
    this.#grantedItems = shared.of(settings.credit);
    this.#grantedBytes = settings.creditBytes;
  }

  /** How many items the server may send. */
  get grantedItems(): number {
    return this.#grantedItems;
  }

  /** What the server may send. */
  get granted(): Credit {
    return { items: this.#grantedItems, bytes: this.#grantedBytes };
  }

  /** Whether anything was taken. */
  get isUsed(): boolean {
    return this.#items > 0;
  }

  /** The reader took an item; whether it is time to grant more. */
  taken(bytes: number): boolean {
    this.#items++;
    this.#bytes += bytes;
    const { credit, creditBytes } = this.#settings;
    return this.#grantedItems - this.#items <= this.#shared.of(credit) / 2 ||
      this.#grantedBytes - this.#bytes <= creditBytes / 2;
  }

  /** What may be sent from now on; never less than before. */
  grant(): Credit {
    const { credit, creditBytes } = this.#settings;
    const items = this.#items + this.#shared.of(credit);
    this.#grantedItems = Math.max(items, this.#grantedItems);
    this.#grantedBytes = this.#bytes + creditBytes;
    return this.granted;
  }
}
