/** Publisher confirms of a channel. */
import type { Output } from "./output.ts";
import { basicAck, basicNack } from "./replies.ts";

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
  flush(out: Output, channel: number): void {
    for (const refused of this.#refused) {
      this.#ack(out, channel, refused - 1);
      basicNack(out, channel, refused);
      this.#told = refused;
    }
    this.#refused.length = 0;
    this.#ack(out, channel, this.#sequence);
  }

  #ack(out: Output, channel: number, last: number): void {
    const count = last - this.#told;
    if (count === 0) return;
    basicAck(out, channel, last, count > 1);
    this.#told = last;
  }
}
