/**
 * Items that came, for a reader who takes them.
 *
 * @module
 */
import type { RpcReply } from "../../messages.ts";

type Next = IteratorResult<RpcReply>;
type Resolve = (next: Next | Promise<Next>) => void;

const DONE = { value: undefined, done: true } as const;

/** Who is told what becomes of the items. */
export interface ItemTaker {
  /** The reader took an item. */
  taken(reply: RpcReply): void;
  /** The reader waits, and there is none. */
  awaited(): void;
}

/** Bounded by the credit of its stream alone. */
export class ReplyBuffer {
  /** The stream whose items these are, once it has begun. */
  taker: ItemTaker | undefined;
  #replies: RpcReply[] = [];
  #head = 0;
  /** The reader that waits; others are rare, and wait behind it. */
  #reader: Resolve | undefined;
  #others: Resolve[] | undefined;
  #isOver = false;
  #error: Error | undefined;

  /** Whether the reader waits. */
  get isAwaited(): boolean {
    return this.#reader !== undefined;
  }

  /** Adds an item; ignored after the end. */
  push(reply: RpcReply): void {
    if (this.#isOver) return;
    const resolve = this.#nextReader();
    if (resolve === undefined) {
      this.#replies.push(reply);
      return;
    }
    resolve({ value: reply, done: false });
    this.taker?.taken(reply);
  }

  /** No more items come; the error, if any, is thrown after those here. */
  end(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    for (let resolve; (resolve = this.#nextReader());) resolve(this.#last());
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
  next(): Promise<Next> {
    if (this.#head < this.#replies.length) {
      const value = this.#take();
      this.taker?.taken(value);
      return Promise.resolve({ value, done: false });
    }
    if (this.#isOver) return this.#last();
    return new Promise((resolve) => {
      if (this.#reader === undefined) this.#reader = resolve;
      else (this.#others ??= []).push(resolve);
      this.taker?.awaited();
    });
  }

  #nextReader(): Resolve | undefined {
    const reader = this.#reader;
    this.#reader = this.#others?.shift();
    return reader;
  }

  #take(): RpcReply {
    const reply = this.#replies[this.#head++]!;
    if (this.#head === this.#replies.length) this.clear();
    return reply;
  }

  /** The error is thrown once. */
  #last(): Promise<Next> {
    const error = this.#error;
    this.#error = undefined;
    return error ? Promise.reject(error) : Promise.resolve(DONE);
  }
}
