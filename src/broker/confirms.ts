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

  /** Confirms one publish: at once if refused, else with the next `flush`. */
  settle(out: Output, channel: number, accepted: boolean): void {
    if (!accepted) this.flush(out, channel);
    this.#sequence++;
    if (accepted) return;
    basicNack(out, channel, this.#sequence);
    this.#told = this.#sequence;
  }

  /** Acknowledges all publishes that are not yet confirmed. */
  flush(out: Output, channel: number): void {
    const count = this.#sequence - this.#told;
    if (count === 0) return;
    basicAck(out, channel, this.#sequence, count > 1);
    this.#told = this.#sequence;
  }
}
