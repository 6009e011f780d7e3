/** How much the messages of a broker take, and the alarm when it is much. */
import type { Holds } from "../holds.ts";
import type { Message } from "./message.ts";

/** About what a message takes in a queue beside its own octets. */
const ENTRY_SIZE = 512;
/** The alarm ends when so much of the mark is in use again, and no sooner. */
const RELIEVED = 0.8;

/** What one message takes in one queue, in octets. */
export function costOf({ content }: Message): number {
  return content.length + ENTRY_SIZE;
}

/** Octets in use, for messages that wait or are not settled. */
export class Memory {
  #used = 0;
  #endAlarm: (() => void) | undefined;

  /**
   * @param highWatermark octets from which on publishers are blocked
   * @param blocks where that is said
   */
  constructor(readonly highWatermark: number, readonly blocks: Holds) {}

  /** Counts octets that are taken, or given back if negative. */
  add(octets: number): void {
    this.#used += octets;
    if (this.#endAlarm === undefined) {
      if (this.#used <= this.highWatermark) return;
      this.#endAlarm = this.blocks.add("low on memory");
    } else if (this.#used <= RELIEVED * this.highWatermark) {
      this.#endAlarm();
      this.#endAlarm = undefined;
    }
  }
}
