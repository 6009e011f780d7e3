/** Publisher confirms of a channel. */
import type { Writer } from "../../amqp091/writer.ts";
import { writeMethod } from "../../amqp091/arguments.ts";

/**
 * Numbers publishes and confirms them. Every publish is settled before the
 * next one is read, so one acknowledgement can stand for all since the last.
 */
export class Confirms {
  enabled = false;
  #sequence = 0;
  #told = 0;
  /** The numbers of those refused and not yet told, ascending. */
  #refused: number[] = [];

  /** Settles one publish; the client is told with the next `flush`. */
  settle(accepted: boolean): void {
    this.#sequence++;
    if (!accepted) this.#refused.push(this.#sequence);
  }

  /** Confirms all publishes that are not yet confirmed. */
  flush(out: Writer, channel: number): void {
    for (const refused of this.#refused) {
      this.#ack(out, channel, refused - 1);
      writeMethod(out, channel, "basic.nack", { deliveryTag: refused });
      this.#told = refused;
    }
    this.#refused.length = 0;
    this.#ack(out, channel, this.#sequence);
  }

  #ack(out: Writer, channel: number, last: number): void {
    const count = last - this.#told;
    if (count === 0) return;
    writeMethod(out, channel, "basic.ack", {
      deliveryTag: last,
      multiple: count > 1,
    });
    this.#told = last;
  }
}
