/** Heartbeats: sends them, and notices a client that has gone silent. */
import type { Outgoing } from "./outgoing.ts";
import type { Throttle } from "./throttle.ts";

/** The heartbeats of one connection. */
export class Heartbeat {
  /** What both sides agreed on; 0 for no heartbeats. */
  intervalMs = 0;
  readonly #outgoing: Outgoing;
  readonly #throttle: Throttle;
  #lastReadAt: number = performance.now();

  constructor(outgoing: Outgoing, throttle: Throttle) {
    this.#outgoing = outgoing;
    this.#throttle = throttle;
  }

  /** Notes that the client has sent something. */
  received(): void {
    this.#lastReadAt = performance.now();
  }

  /**
   * Sends a heartbeat if nothing else was sent lately.
   *
   * @returns whether the client has been silent for too long.
   */
  tick(now: number): boolean {
    if (this.intervalMs === 0) return false;
    // While its input is held back, nobody knows whether the client is silent.
    const heardAt = Math.max(this.#lastReadAt, this.#throttle.heldAt);
    if (now - heardAt > 2 * this.intervalMs) return true;
    const silentMs = now - this.#outgoing.lastSentAt;
    if (this.#outgoing.waiting === 0 && silentMs >= this.intervalMs / 2) {
      this.#outgoing.output.heartbeat();
      this.#outgoing.schedule();
    }
    return false;
  }
}
