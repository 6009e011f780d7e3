/**
 * Whether a connection takes messages: the broker may block it, and what is
 * written may not be read.
 *
 * @module
 */
import type { JoinedWrites } from "./joined_writes.ts";

/** What holds up messages to the broker, while something does. */
export class Flow {
  readonly #writes: JoinedWrites;
  #unblocked: PromiseWithResolvers<void> | undefined;
  #blockedFor: string | undefined;

  /** Nothing blocks the connection yet. */
  constructor(writes: JoinedWrites) {
    this.#writes = writes;
  }

  /** Why the broker blocks the connection, where it does. */
  get blockedFor(): string | undefined {
    return this.#blockedFor;
  }

  /** Why no messages are taken, in words; undefined where they are. */
  get obstacle(): string | undefined {
    if (this.#blockedFor !== undefined) {
      return `the broker has blocked the connection (${this.#blockedFor})`;
    }
    return this.#writes.drained &&
      "the connection does not take what is written to it";
  }

  /** Pending while no messages are taken; else undefined. */
  get unblocked(): Promise<void> | undefined {
    return this.#unblocked?.promise ?? this.#writes.drained;
  }

  /** The broker blocks the connection. */
  block(reason: string): void {
    this.#unblocked ??= Promise.withResolvers();
    this.#blockedFor = reason;
  }

  /** The broker blocks it no more, or it is gone. */
  release(): void {
    this.#blockedFor = undefined;
    this.#unblocked?.resolve();
    this.#unblocked = undefined;
  }
}
