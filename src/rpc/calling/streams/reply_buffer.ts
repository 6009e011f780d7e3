/**
 * Items that came, for a reader who takes them.
 *
 * @module
 */
import type { RpcReply } from "../../messages.ts";

type Next = PromiseWithResolvers<IteratorResult<RpcReply>>;

const DONE = { value: undefined, done: true } as const;

/** What a buffer tells. */
export interface ReplyBufferHooks {
  /** The reader took an item. */
  onTake: (reply: RpcReply) => void;
  /** The reader waits, and there is none. */
  onWait: () => void;
}

/** Bounded by the credit of its stream alone. */
export class ReplyBuffer {
  readonly #hooks: ReplyBufferHooks;
  #replies: RpcReply[] = [];
  #head = 0;
  readonly #waiting: Next[] = [];
  #isOver = false;
  #error: Error | undefined;

  /** Empty. */
  constructor(hooks: ReplyBufferHooks) {
    this.#hooks = hooks;
  }

  /** Whether the reader waits. */
  get isAwaited(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether nothing more comes. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Adds an item; ignored after the end. */
  push(reply: RpcReply): void {
    if (this.#isOver) return;
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#replies.push(reply);
      return;
    }
    next.resolve({ value: reply, done: false });
    this.#hooks.onTake(reply);
  }

  /** No more items come; the error, if any, is thrown after those here. */
  end(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    for (const next of this.#waiting.splice(0)) {
      this.#last().then(next.resolve, next.reject);
    }
  }

  /** The reader leaves: nothing is given any more, nor thrown. */
  leave(): void {
    this.clear();
    this.end();
    this.#error = undefined;
  }

  /** Lets go of what was not taken. */
  clear(): void {
    this.#replies = [];
    this.#head = 0;
  }

  /** The next item, once there is one. */
  next(): Promise<IteratorResult<RpcReply>> {
    if (this.#head < this.#replies.length) {
      const value = this.#take();
      this.#hooks.onTake(value);
      return Promise.resolve({ value, done: false });
    }
    if (this.#isOver) return this.#last();
    const next: Next = Promise.withResolvers();
    this.#waiting.push(next);
    this.#hooks.onWait();
    return next.promise;
  }

  #take(): RpcReply {
    const reply = this.#replies[this.#head++]!;
    if (this.#head === this.#replies.length) this.clear();
    return reply;
  }

  /** The error is thrown once. */
  #last(): Promise<IteratorResult<RpcReply>> {
    const error = this.#error;
    this.#error = undefined;
    return error ? Promise.reject(error) : Promise.resolve(DONE);
  }
}
