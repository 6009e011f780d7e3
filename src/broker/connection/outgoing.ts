/** The sending side of a connection. */
import { afterMicrotasks } from "../../async/end_of_turn.ts";
import { Writer } from "../../amqp091/writer.ts";

/** What carries a client's bytes: usually a TCP connection. */
export type ClientStream = Pick<
  Deno.Conn,
  "read" | "write" | "closeWrite" | "close"
>;

/**
 * Sends what is written to `output`, with one write for each turn of the event
 * loop, and notices a client that does not keep up.
 */
export class Outgoing {
  readonly output: Writer = new Writer();
  /** When something was last sent, by `performance.now()`. */
  lastSentAt: number = performance.now();
  readonly #conn: ClientStream;
  readonly #highWater: number;
  readonly #onDrained: () => void;
  readonly #onFailed: () => void;
  #scheduled = false;
  #running: Promise<void> = Promise.resolve();
  #sending = 0;
  #over = false;
  #paused = false;
  #waiting: (() => void)[] = [];
  readonly #sendScheduled = () => {
    this.#running = this.#send();
  };

  constructor(conn: ClientStream, options: {
    /** The client counts as slow while more octets than this are waiting. */
    highWater: number;
    /** Called when a slow client has caught up. */
    onDrained: () => void;
    /** Called once if sending fails. */
    onFailed: () => void;
  }) {
    this.#conn = conn;
    this.#highWater = options.highWater;
    this.#onDrained = options.onDrained;
    this.#onFailed = options.onFailed;
  }

  /** Octets that the operating system has not yet accepted. */
  get waiting(): number {
    return this.output.length + this.#sending;
  }

  /** Whether the client is slow, and must get no further deliveries. */
  get congested(): boolean {
    return this.output.length + this.#sending > this.#highWater;
  }

  /** Sends what was written at the end of this turn of the event loop. */
  schedule(): void {
    if (this.#scheduled || this.#over || this.#paused) return;
    this.#scheduled = true;
    // Within a microtask, each reply of this turn would cost a write of its own.
    afterMicrotasks(this.#sendScheduled);
  }

  /** Sends nothing until `resume`, except for a write that has begun. */
  pause(): void {
    this.#paused = true;
  }

  /** Sends what was written in the meantime. */
  resume(): void {
    this.#paused = false;
    if (this.output.length > 0) this.schedule();
  }

  /** Sends nothing more; resolves once no write is going on. */
  async end(): Promise<void> {
    this.#over = true;
    this.#resolveWaiting();
    await this.#running;
  }

  /** Resolves once the client has caught up, or sending has failed. */
  async relieved(): Promise<void> {
    while (this.congested && !this.#over) await this.#nextWrite();
  }

  /** Resolves once everything has been sent, or sending has failed. */
  async flushed(): Promise<void> {
    while (this.waiting > 0 && !this.#over) await this.#nextWrite();
  }

  /** Sends what is left and signals the end of the stream. */
  async finish(): Promise<void> {
    await this.flushed();
    if (this.#over) return;
    try {
      await this.#conn.closeWrite();
    } catch {
      // The client has closed the connection in the meantime.
      this.#onFailed();
    }
  }

  async #nextWrite(): Promise<void> {
    this.schedule();
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #send(): Promise<void> {
    try {
      while (this.output.length > 0 && !this.#over && !this.#paused) {
        await this.#sendOnce();
      }
    } catch {
      // Reset by the client, or closed by the caller of `end`.
      const failed = !this.#over;
      this.#over = true;
      if (failed) this.#onFailed();
    } finally {
      this.#scheduled = false;
      this.#resolveWaiting();
    }
  }

  async #sendOnce(): Promise<void> {
    const bytes = this.output.take();
    this.#sending = bytes.length;
    for (let at = 0; at < bytes.length;) {
      at += await this.#conn.write(bytes.subarray(at));
    }
    // Checked only now, because more may have been written in the meantime.
    const wasCongested = this.congested;
    this.#sending = 0;
    this.lastSentAt = performance.now();
    this.output.recycle(bytes);
    if (wasCongested && !this.congested) this.#onDrained();
    this.#resolveWaiting();
  }

  #resolveWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
