/** The sending side of a connection. */
import process from "node:process";
import { Writer } from "../../amqp091/writer.ts";

/** What carries a client's bytes: a socket, or the like. */
export type ClientStream = Pick<
  Deno.Conn,
  "read" | "write" | "closeWrite" | "close"
>;

/**
 * Sends what is written to `output`, all of one turn of the event loop in
 * one piece, and tells when the client does not keep up.
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
    /** Octets waiting from which on the client counts as slow. */
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

  /** Octets not yet taken by the operating system. */
  get waiting(): number {
    return this.output.length + this.#sending;
  }

  /** Whether the client is slow, and should be given nothing more. */
  get congested(): boolean {
    return this.output.length + this.#sending > this.#highWater;
  }

  /** Sends what was written at the end of this turn of the event loop. */
  schedule(): void {
    if (this.#scheduled || this.#over || this.#paused) return;
    this.#scheduled = true;
    // A tick that is asked for in a microtask comes when all of them have run.
    // In one of them, the replies to clients that were read in the same turn
    // would each go out on their own; and setImmediate takes more than 1 ms
    // before Deno 2.6.
    queueMicrotask(() => process.nextTick(this.#sendScheduled));
  }

  /** Sends nothing until `resume`; what is being written may still arrive. */
  pause(): void {
    this.#paused = true;
  }

  /** Sends what has been written meanwhile. */
  resume(): void {
    this.#paused = false;
    if (this.output.length > 0) this.schedule();
  }

  /** Sends nothing more; resolves once nothing is under way. */
  async end(): Promise<void> {
    this.#over = true;
    this.#resolveWaiting();
    await this.#running;
  }

  /** Resolves once the client is slow no more, or sending has failed. */
  async relieved(): Promise<void> {
    while (this.congested && !this.#over) await this.#nextWrite();
  }

  /** Resolves once everything written is sent, or sending has failed. */
  async flushed(): Promise<void> {
    while (this.waiting > 0 && !this.#over) await this.#nextWrite();
  }

  /** Sends what is left, and says that nothing will follow. */
  async finish(): Promise<void> {
    await this.flushed();
    if (this.#over) return;
    try {
      await this.#conn.closeWrite();
    } catch {
      // The client was faster.
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
      // Reset by the client, or closed by `end`'s caller.
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
    // Looked at only now, as more was written in the meantime.
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
