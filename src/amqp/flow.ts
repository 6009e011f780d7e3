/**
 * Whether a connection takes messages: the broker may block it, and what is
 * written may not be read.
 *
 * @module
 */
import type { JoinedWrites } from "./joined_writes.ts";

/** How long the broker may take to answer a close, in ms. */
export const CLOSE_TIMEOUT_MS = 2_000;

/** Callbacks for when the broker blocks or unblocks. */
export interface FlowHooks {
  onBlocked: (reason: string) => void;
  onUnblocked: () => void;
}

/** Whether messages have to wait, and for what. */
export class Flow {
  readonly #writes: JoinedWrites;
  readonly #hooks: FlowHooks;
  #unblocked: PromiseWithResolvers<void> | undefined;
  #blockedFor: string | undefined;

  /** Nothing blocks the connection yet. */
  constructor(writes: JoinedWrites, hooks: FlowHooks) {
    this.#writes = writes;
    this.#hooks = hooks;
  }

  /** Why the broker blocks the connection, if it does. */
  get blockedFor(): string | undefined {
    return this.#blockedFor;
  }

  /** Why no messages are taken, in words; undefined if they are. */
  get obstacle(): string | undefined {
    if (this.#blockedFor !== undefined) {
      return `the broker has blocked the connection (${this.#blockedFor})`;
    }
    return this.#writes.drained &&
      "the connection accepts no more data for now";
  }

  /**
   * How long to wait for the answer to a close, in ms: 0 for a broker that
   * blocks the connection, since it reads nothing.
   */
  get closeLimitMs(): number {
    return this.#blockedFor === undefined ? CLOSE_TIMEOUT_MS : 0;
  }

  /** Pending while no messages are taken; else undefined. */
  get unblocked(): Promise<void> | undefined {
    return this.#unblocked?.promise ?? this.#writes.drained;
  }

  /** The broker blocks the connection. */
  block(reason: string): void {
    this.#unblocked ??= Promise.withResolvers();
    this.#blockedFor = reason;
    this.#hooks.onBlocked(reason);
  }

  /** The broker accepts messages again. */
  unblock(): void {
    this.release();
    this.#hooks.onUnblocked();
  }

  /** Nothing waits any more: the connection is unblocked, or gone. */
  release(): void {
    this.#blockedFor = undefined;
    this.#unblocked?.resolve();
    this.#unblocked = undefined;
  }
}
