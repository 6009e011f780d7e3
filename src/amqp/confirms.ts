/**
 * What was published on one channel and is not confirmed yet.
 *
 * @module
 */
import type { RpcError } from "../rpc/errors.ts";
import type { PublishListener } from "../rpc/transport.ts";

/** Gaps at the front of the list that are worth a copy of the rest. */
const MAX_GAP = 1024;

/**
 * Listeners by delivery tag. Tags count up from 1 on each channel, so that a
 * list will do: no map, whose churn the garbage collector would have to see to.
 */
export class Confirms {
  /** From the tag `#firstTag` on; undefined once it is settled. */
  #listeners: (PublishListener | undefined)[] = [];
  #firstTag = 1;
  /** All before it are settled. */
  #oldestTag = 1;
  #whenEmpty: (() => void) | undefined;

  /** The next message was published. */
  add(listener: PublishListener): void {
    this.#listeners.push(listener);
  }

  /** The broker has the message, or all up to it, or refuses them. */
  settle(deliveryTag: number, multiple: boolean, refusal?: RpcError): void {
    const last = Math.min(deliveryTag, this.#lastTag);
    for (let tag = multiple ? this.#oldestTag : last; tag <= last; tag++) {
      this.#settleOne(tag, refusal);
    }
    this.#skipSettled();
    if (this.#isEmpty) this.#whenEmpty?.();
  }

  /** The channel is gone. */
  failAll(error: RpcError): void {
    this.settle(this.#lastTag, true, error);
  }

  /** Resolves when everything is confirmed, refused or failed. */
  async empty(): Promise<void> {
    if (this.#isEmpty) return;
    const empty = Promise.withResolvers<void>();
    this.#whenEmpty = empty.resolve;
    await empty.promise;
  }

  get #lastTag(): number {
    return this.#firstTag + this.#listeners.length - 1;
  }

  get #isEmpty(): boolean {
    return this.#oldestTag > this.#lastTag;
  }

  #settleOne(tag: number, refusal: RpcError | undefined): void {
    const index = tag - this.#firstTag;
    const listener = this.#listeners[index];
    if (listener === undefined) return;
    this.#listeners[index] = undefined;
    if (refusal) listener.failed(refusal);
    else listener.confirmed();
  }

  #skipSettled(): void {
    let gap = this.#oldestTag - this.#firstTag;
    const { length } = this.#listeners;
    while (gap < length && this.#listeners[gap] === undefined) gap++;
    this.#oldestTag = this.#firstTag + gap;
    if (gap < MAX_GAP) return;
    this.#listeners = this.#listeners.slice(gap);
    this.#firstTag = this.#oldestTag;
  }
}
