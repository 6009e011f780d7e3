/**
 * The items of a stream that the broker is not known to have.
 *
 * @module
 */
import type { RpcError } from "../../errors.ts";
import type { PublishListener, StreamPort } from "../../transport.ts";
import type { OutgoingMessage } from "../../wire.ts";

/** So many items may be on their way, */
const MAX_ITEMS = 1_024;
/** of so many bytes, or a single one that is larger. */
const MAX_BYTES = 4 * 1024 * 1024;
/** The broker is asked about a part of that, so that it need not fill up. */
const ASK_SHARE = 1 / 8;

/** Who is told what becomes of items. */
export interface ItemSender {
  /** The broker has all, or some of them. */
  taken(): void;
  /** An item can't be sent, or the connection was lost. */
  failed(error: RpcError): void;
}

/** Items in order, kept until the broker has them: they may be sent again. */
export class SentItems implements PublishListener {
  readonly #sender: ItemSender;
  #items: OutgoingMessage[] = [];
  #bytes = 0;
  #isFirst = true;
  /** Pending while the broker is asked. */
  #asking: Promise<void> | undefined;

  /** None was sent. */
  constructor(sender: ItemSender) {
    this.#sender = sender;
  }

  /** How many the broker may not have. */
  get count(): number {
    return this.#items.length;
  }

  /** Whether another may be sent. */
  get hasRoom(): boolean {
    return this.#items.length < MAX_ITEMS && this.#bytes < MAX_BYTES;
  }

  /** Sends the next. */
  send(
    port: StreamPort,
    replyTo: string,
    message: OutgoingMessage,
  ): void {
    const { body, properties } = message;
    this.#items.push(message);
    this.#bytes += body.length;
    port.publishItem(replyTo, body, properties, this);
    const isDue = this.#items.length >= MAX_ITEMS * ASK_SHARE ||
      this.#bytes >= MAX_BYTES * ASK_SHARE;
    // Many streams give one item, and then none for long.
    if (isDue || this.#isFirst) this.ask(port);
    this.#isFirst = false;
  }

  /** Sends all again, over another connection. */
  resend(port: StreamPort, replyTo: string): void {
    this.#asking = undefined;
    for (const { body, properties } of this.#items) {
      port.publishItem(replyTo, body, properties, this);
    }
  }

  /** The first that would be sent again. */
  get first(): OutgoingMessage | undefined {
    return this.#items[0];
  }

  /** Asks the broker whether it has what was sent, unless it is asked already. */
  ask(port: StreamPort): void {
    const count = this.#items.length;
    if (this.#asking !== undefined || count === 0) return;
    const asking = this.#asking = port.itemsTaken();
    // What is told over a connection that was left since is of no interest.
    asking.then(
      () => asking === this.#asking && this.#taken(count),
      (error) => asking === this.#asking && this.#sender.failed(error),
    );
  }

  /** For each item; only what fails is told. */
  confirmed(): void {}

  /** See {@linkcode PublishListener.failed}. */
  failed(error: RpcError): void {
    this.#sender.failed(error);
  }

  #taken(count: number): void {
    this.#asking = undefined;
    if (count === this.#items.length) {
      // A stream that is idle keeps no memory for items.
      this.#items = [];
      this.#bytes = 0;
    } else {
      for (const { body } of this.#items.splice(0, count)) {
        this.#bytes -= body.length;
      }
    }
    this.#sender.taken();
  }
}
