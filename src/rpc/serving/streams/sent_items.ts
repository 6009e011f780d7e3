/**
 * The items of a stream that the broker has not confirmed yet.
 *
 * @module
 */
import type { RpcError } from "../../errors.ts";
import type { PublishListener, RequestQueue } from "../../transport.ts";
import type { OutgoingMessage } from "../../wire.ts";

/** So many items may be unconfirmed, */
const MAX_ITEMS = 1_024;
/** of so many bytes, or a single one that is larger. */
const MAX_BYTES = 4 * 1024 * 1024;
/** So many confirmed ones at the front justify a copy of the rest. */
const MAX_GAP = 1_024;

/** What becomes of items. */
export interface SentItemsHooks {
  /** There is room, or nothing is left, that was not so before. */
  onConfirmed: () => void;
  /** The broker does not have an item, as far as is known. */
  onFailed: (error: RpcError) => void;
}

/** An item on its way. */
class SentItem implements PublishListener {
  readonly message: OutgoingMessage;
  isConfirmed = false;
  readonly #items: SentItems;

  constructor(items: SentItems, message: OutgoingMessage) {
    this.#items = items;
    this.message = message;
  }

  confirmed(): void {
    this.#items.confirmed(this);
  }

  failed(error: RpcError): void {
    this.#items.hooks.onFailed(error);
  }
}

/** Items in order, kept until they are confirmed: they may be sent again. */
export class SentItems {
  readonly hooks: SentItemsHooks;
  #items: SentItem[] = [];
  #head = 0;
  #count = 0;
  #bytes = 0;

  /** None was sent. */
  constructor(hooks: SentItemsHooks) {
    this.hooks = hooks;
  }

  /** How many are not confirmed. */
  get count(): number {
    return this.#count;
  }

  /** Whether another may be sent. */
  get hasRoom(): boolean {
    return this.#count < MAX_ITEMS && this.#bytes < MAX_BYTES;
  }

  /** Sends the next. */
  send(
    requests: RequestQueue,
    replyTo: string,
    message: OutgoingMessage,
  ): void {
    const item = new SentItem(this, message);
    this.#items.push(item);
    this.#count++;
    this.#bytes += message.body.length;
    requests.publish(replyTo, message.body, message.properties, item);
  }

  /** Sends all that are not confirmed, over another connection. */
  resend(requests: RequestQueue, replyTo: string): void {
    for (const item of this.#items.slice(this.#head)) {
      if (item.isConfirmed) continue;
      const { body, properties } = item.message;
      requests.publish(replyTo, body, properties, item);
    }
  }

  /** The first that would be sent again. */
  get first(): OutgoingMessage | undefined {
    return this.#items[this.#head]?.message;
  }

  /** For an item, when the broker has it. */
  confirmed(item: SentItem): void {
    if (item.isConfirmed) return;
    item.isConfirmed = true;
    this.#count--;
    this.#bytes -= item.message.body.length;
    this.#skipConfirmed();
    this.hooks.onConfirmed();
  }

  #skipConfirmed(): void {
    const { length } = this.#items;
    while (this.#head < length && this.#items[this.#head]!.isConfirmed) {
      this.#head++;
    }
    if (this.#head === length) this.#items = [];
    else if (this.#head < MAX_GAP) return;
    else this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}
