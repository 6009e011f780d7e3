/**
 * The messages that were published on one channel and are not confirmed yet.
 *
 * @module
 */
import type { RpcError } from "../rpc/errors.ts";
import type { MessageProperties } from "../rpc/messages.ts";
import type { PublishListener } from "../rpc/transport.ts";
import type { MessageSizes } from "./message_sizes.ts";

/** How many settled entries at the front justify a copy of the rest. */
const MAX_GAP = 1024;

/** A message, and the listener for its outcome. */
export interface Publication {
  readonly queue: string;
  readonly body: Uint8Array;
  readonly properties: MessageProperties;
  readonly listener: PublishListener;
}

/**
 * Messages by delivery tag. Tags count up from 1 on each channel, so lists will
 * do, which spare the garbage collector the churn of a map and an object for
 * each message.
 */
export class Confirms {
  readonly #sizes: MessageSizes;
  /** From the tag `#firstTag` on; undefined once it is settled. */
  #listeners: (PublishListener | undefined)[] = [];
  /** Each of these belongs to the listener at the same place. */
  #queues: string[] = [];
  #bodies: Uint8Array[] = [];
  #properties: MessageProperties[] = [];
  #firstTag = 1;
  /** All before it are settled. */
  #oldestTag = 1;
  #whenEmpty: (() => void) | undefined;

  /** `sizes` learns what the broker accepts. */
  constructor(sizes: MessageSizes) {
    this.#sizes = sizes;
  }

  /** The next message was published. */
  add(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    this.#listeners.push(listener);
    this.#queues.push(queue);
    this.#bodies.push(body);
    this.#properties.push(properties);
  }

  /** The broker has the message, or all up to it, or refuses them. */
  settle(deliveryTag: number, multiple: boolean, refusal?: RpcError): void {
    const last = Math.min(deliveryTag, this.#lastTag);
    for (let tag = multiple ? this.#oldestTag : last; tag <= last; tag++) {
      this.#settleOne(tag, refusal);
    }
    this.#settled();
  }

  /** The channel is gone. */
  failAll(error: RpcError): void {
    this.settle(this.#lastTag, true, error);
  }

  /**
   * Takes out the first message whose body is larger than the limit, and all
   * after it; what was before it waits on.
   */
  takeFromFirstOver(limit: number): Publication[] {
    const taken: Publication[] = [];
    let place = this.#oldestTag - this.#firstTag;
    for (; place < this.#listeners.length; place++) {
      const isOver = this.#bodies[place]!.length > limit;
      if (taken.length === 0 && !isOver) continue;
      const listener = this.#take(place);
      if (listener === undefined) continue;
      taken.push({
        queue: this.#queues[place]!,
        body: this.#bodies[place]!,
        properties: this.#properties[place]!,
        listener,
      });
    }
    this.#settled();
    return taken;
  }

  /** Resolves when everything is confirmed, refused or failed. */
  async empty(): Promise<void> {
    if (this.isEmpty) return;
    const empty = Promise.withResolvers<void>();
    this.#whenEmpty = empty.resolve;
    await empty.promise;
  }

  get #lastTag(): number {
    return this.#firstTag + this.#listeners.length - 1;
  }

  /** Whether everything is confirmed, refused or failed. */
  get isEmpty(): boolean {
    return this.#oldestTag > this.#lastTag;
  }

  #take(place: number): PublishListener | undefined {
    const listener = this.#listeners[place];
    this.#listeners[place] = undefined;
    return listener;
  }

  #settleOne(tag: number, refusal: RpcError | undefined): void {
    const place = tag - this.#firstTag;
    const listener = this.#take(place);
    if (listener === undefined) return;
    const bytes = this.#bodies[place]!.length;
    this.#bodies[place] = NO_BODY;
    if (refusal) return listener.failed(refusal);
    if (bytes > this.#sizes.taken) this.#sizes.taken = bytes;
    listener.confirmed();
  }

  #settled(): void {
    this.#skipSettled();
    if (this.isEmpty) this.#whenEmpty?.();
  }

  #skipSettled(): void {
    let gap = this.#oldestTag - this.#firstTag;
    const { length } = this.#listeners;
    while (gap < length && this.#listeners[gap] === undefined) gap++;
    this.#oldestTag = this.#firstTag + gap;
    if (gap < MAX_GAP) return;
    this.#listeners = this.#listeners.slice(gap);
    this.#queues = this.#queues.slice(gap);
    this.#bodies = this.#bodies.slice(gap);
    this.#properties = this.#properties.slice(gap);
    this.#firstTag = this.#oldestTag;
  }
}

/** Stands for a body that need not be kept. */
const NO_BODY = new Uint8Array(0);
