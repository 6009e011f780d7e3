/**
 * Turns to open a channel, where a broker allows only so many.
 *
 * @module
 */
import { failure, type RpcError } from "../rpc/errors.ts";

type Turn = PromiseWithResolvers<void>;

/** What waits for a channel: first come, first served, the urgent first. */
export class ChannelTurns {
  readonly #free: () => number;
  readonly #urgent: Turn[] = [];
  readonly #patient: Turn[] = [];
  /** Turns granted whose channel is not open yet. */
  #granted = 0;

  /** `free` returns how many channels can be opened now. */
  constructor(free: () => number) {
    this.#free = free;
  }

  /** Whether something urgent waits: whoever can spare a channel closes it. */
  get urgent(): boolean {
    return this.#urgent.length > 0;
  }

  /**
   * Undefined if a channel can be opened at once, otherwise a promise to wait
   * for.
   */
  next(urgent: boolean, limitMs: number): Promise<void> | undefined {
    const ahead = this.#urgent.length + (urgent ? 0 : this.#patient.length);
    if (ahead === 0 && this.#free() > this.#granted) return undefined;
    return this.#wait(urgent ? this.#urgent : this.#patient, limitMs);
  }

  /** The channel of a turn that was waited for is being opened. */
  used(): void {
    this.#granted--;
  }

  /** A channel may have been closed. */
  check(): void {
    while (this.#urgent.length + this.#patient.length > 0) {
      if (this.#free() <= this.#granted) return;
      this.#granted++;
      (this.#urgent.shift() ?? this.#patient.shift())!.resolve();
    }
  }

  /** There is no connection to open channels on. */
  end(error: Error): void {
    for (const turn of this.#urgent.splice(0)) turn.reject(error);
    for (const turn of this.#patient.splice(0)) turn.reject(error);
  }

  async #wait(turns: Turn[], limitMs: number): Promise<void> {
    const turn = Promise.withResolvers<void>();
    turns.push(turn);
    const giveUp = () => {
      const place = turns.indexOf(turn);
      if (place >= 0) turns.splice(place, 1)[0]!.reject(allInUse());
    };
    const timer = setTimeout(giveUp, limitMs);
    try {
      await turn.promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

function allInUse(): RpcError {
  return failure(
    "not_admitted",
    "all channels that the broker allows on a connection are in use",
    { code: "resource_exhausted" },
  );
}
