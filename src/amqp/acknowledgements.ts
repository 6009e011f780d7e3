/**
 * Acknowledges deliveries with as few frames as the protocol allows.
 *
 * @module
 */

/** Writes one basic.ack. */
export type SendAck = (deliveryTag: number, multiple: boolean) => void;

/**
 * Collects the deliveries of one channel that are settled. A run from the
 * oldest on is acknowledged together; others are acknowledged one by one, so
 * that a slow request does not hold up the prefetch window of the quick ones
 * behind it.
 */
export class Acknowledgements {
  readonly #send: SendAck;
  /** All deliveries before it are settled. */
  #next = 1;
  /** The newest of those that the broker was not told about. */
  #last = 0;
  /** How many of those there are. */
  #run = 0;
  /** Not before the next, done here, unknown to the broker. */
  readonly #unsent = new Set<number>();
  /** Not before the next, and known to the broker. */
  readonly #sent = new Set<number>();

  /** `send` is called by `flush()` alone. */
  constructor(send: SendAck) {
    this.#send = send;
  }

  /** A delivery is settled; the next flush tells the broker. */
  add(deliveryTag: number): void {
    if (deliveryTag === this.#next) this.#extendRun();
    else this.#unsent.add(deliveryTag);
  }

  /** A delivery was given back or dropped in a frame of its own. */
  skip(deliveryTag: number): void {
    this.#sent.add(deliveryTag);
    // A server may drop all that it gets, and never acknowledge anything.
    if (deliveryTag === this.#next) this.#passSent();
  }

  /** Tells the broker of everything that was added. */
  flush(): void {
    if (this.#run === 0 && this.#unsent.size === 0) return;
    this.#flushRun();
    for (const deliveryTag of this.#unsent) {
      this.#send(deliveryTag, false);
      this.#sent.add(deliveryTag);
    }
    this.#unsent.clear();
  }

  #flushRun(): void {
    this.#passSent();
    while (this.#unsent.delete(this.#next)) {
      this.#extendRun();
      this.#passSent();
    }
    if (this.#run > 0) this.#send(this.#last, this.#run > 1);
    this.#run = 0;
  }

  #passSent(): void {
    while (this.#sent.delete(this.#next)) this.#next++;
  }

  #extendRun(): void {
    // The broker must not know the tag that a run is named by already.
    this.#last = this.#next++;
    this.#run++;
  }
}
