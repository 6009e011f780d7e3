/**
 * Acknowledges deliveries with as few frames as the protocol allows.
 *
 * @module
 */

/** Writes one basic.ack. */
export type SendAck = (deliveryTag: number, multiple: boolean) => void;

/**
 * Collects the deliveries of one channel that are done with. A run from the
 * oldest on is acknowledged together; what is done out of order is
 * acknowledged alone, so that a slow request does not hold up the prefetch
 * window of the quick ones behind it.
 */
export class Acknowledgements {
  readonly #send: SendAck;
  /** The oldest delivery that the broker still waits for. */
  #oldest = 1;
  /** Done here, unknown to the broker. */
  readonly #unsent = new Set<number>();
  /** Newer than the oldest, and known to the broker. */
  readonly #sent = new Set<number>();

  /** `send` is called by `flush()` alone. */
  constructor(send: SendAck) {
    this.#send = send;
  }

  /** A delivery is done with; the next flush tells the broker. */
  add(deliveryTag: number): void {
    this.#unsent.add(deliveryTag);
  }

  /** A delivery was given back or dropped in a frame of its own. */
  skip(deliveryTag: number): void {
    this.#sent.add(deliveryTag);
  }

  /** Tells the broker of everything that was added. */
  flush(): void {
    if (this.#unsent.size === 0) return;
    this.#flushRun();
    for (const deliveryTag of this.#unsent) {
      this.#send(deliveryTag, false);
      this.#sent.add(deliveryTag);
    }
    this.#unsent.clear();
  }

  #flushRun(): void {
    let run = 0;
    let last = 0;
    while (true) {
      if (this.#unsent.delete(this.#oldest)) {
        // The broker must not know the tag that a run is named by already.
        last = this.#oldest;
        run++;
      } else if (!this.#sent.delete(this.#oldest)) break;
      this.#oldest++;
    }
    if (run > 0) this.#send(last, run > 1);
  }
}
