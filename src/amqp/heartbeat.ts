/**
 * Heartbeats in both directions: shows the broker that this side is alive, and
 * notices when the broker, or the network to it, is not.
 *
 * @module
 */

/** Looks at the traffic four times an interval. */
const TICKS = 4;
/** Nothing written for half an interval: time to write a heartbeat. */
const QUIET_TICKS = 2;
/** Nothing read for one and a half intervals: noticed within twice. */
const SILENT_TICKS = 6;

/** What a {@linkcode Heartbeat} does when it is time. */
export interface HeartbeatActions {
  /** Nothing was written for half the interval. */
  send: () => void;
  /** Nothing was read for one and a half intervals. */
  onSilence: () => void;
}

/**
 * Counts quiet ticks. A tick that is late, because the event loop was blocked,
 * counts once all the same: data that arrived meanwhile is read before the next
 * one.
 */
export class Heartbeat {
  readonly #actions: HeartbeatActions;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #quietTicks = 0;
  #silentTicks = 0;

  /** Starts at once; an interval of 0 means no heartbeats. */
  constructor(intervalMs: number, actions: HeartbeatActions) {
    this.#actions = actions;
    if (intervalMs === 0) return;
    this.#timer = setInterval(() => this.#tick(), intervalMs / TICKS);
  }

  /** Something was written. */
  wrote(): void {
    this.#quietTicks = 0;
  }

  /** Something was read. */
  read(): void {
    this.#silentTicks = 0;
  }

  /** Stops counting. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    if (++this.#silentTicks >= SILENT_TICKS) {
      this.stop();
      this.#actions.onSilence();
    } else if (++this.#quietTicks >= QUIET_TICKS) {
      this.#actions.send();
    }
  }
}
