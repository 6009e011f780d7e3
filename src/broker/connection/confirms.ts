/** Publisher confirms of a channel. */
import type { Writer } from "../../amqp091/writer.ts";
import { writeMethod } from "../../amqp091/arguments.ts";

/**
 * Numbers publishes and confirms them. Each publish is settled before the next
 * one is read, so one basic.ack can confirm all publishes since the last one.
 */
export class Confirms {
  enabled = false;
  #sequence = 0;
  /** The number up to which the client was told. */
  #told = 0;
  /** The numbers of publishes to answer with a nack, ascending. */
  #refused: number[] = [];

  /** Settles one publish; the next `flush` tells the client. */
  settle(accepted: boolean): void {
    this.#sequence++;
    if (!accepted) this.#refused.push(this.#sequence);
  }

  /** Confirms all publishes that the client was not told about. */
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
