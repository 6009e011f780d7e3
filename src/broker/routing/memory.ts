/** The memory that the messages of a broker take, and its alarm. */
import type { Gate } from "../gate.ts";
import type { Message } from "./message.ts";

/** About what a message takes in a queue besides its own octets. */
const ENTRY_SIZE = 512;
/** The alarm ends once no more than this part of the watermark is in use. */
const RELIEVED = 0.8;

function costOf({ content }: Message): number {
  return content.length + ENTRY_SIZE;
}

/** Octets in use, for messages that are ready or unacknowledged. */
export class Memory {
  #used = 0;
  #endAlarm: (() => void) | undefined;

  /**
   * @param highWatermark octets above which publishers are blocked
   * @param publishing closed during the alarm
   */
  constructor(readonly highWatermark: number, readonly publishing: Gate) {}

  /** Counts octets that are taken, or given back if negative. */
  add(octets: number): void {
    this.#used += octets;
    if (this.#endAlarm === undefined) {
      if (this.#used <= this.highWatermark) return;
      this.#endAlarm = this.publishing.close("low on memory");
    } else if (this.#used <= RELIEVED * this.highWatermark) {
      this.#endAlarm();
      this.#endAlarm = undefined;
    }
  }
}

/** What one queue's messages take. */
export class MemoryShare {
  readonly #memory: Memory;
  #used = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  take(message: Message): void {
    this.#add(costOf(message));
  }

  release(message: Message): void {
    this.#add(-costOf(message));
  }

  releaseAll(): void {
    this.#add(-this.#used);
  }

  #add(octets: number): void {
    this.#used += octets;
    this.#memory.add(octets);
  }
}
