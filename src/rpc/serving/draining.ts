/**
 * How a server stops without losing anything: cancel, give back, finish,
 * confirm, acknowledge, close, in this order.
 *
 * @module
 */
import { RpcError } from "../errors.ts";
import type { RequestQueue } from "../transport.ts";
import { Grace } from "./grace.ts";
import type { Job } from "./job.ts";
import type { Stages } from "./stages.ts";

/** The draining of one server, which begins once. */
export class Draining {
  readonly #stages: Stages;
  readonly #onBegin: () => void;
  readonly #begun = new AbortController();
  readonly #grace = new Grace();
  readonly #idle = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<void>();

  /** Does not begin yet. */
  constructor(stages: Stages, onBegin: () => void) {
    this.#stages = stages;
    this.#onBegin = onBegin;
  }

  /** Aborted when it begins. */
  get begun(): AbortSignal {
    return this.#begun.signal;
  }

  /** Resolves when nothing is left to do. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Begins, with the queue that is consumed, if any; the shortest grace counts. */
  begin(graceMs: number, queue: RequestQueue | undefined): void {
    this.#grace.limit(graceMs);
    if (this.begun.aborted) return;
    this.#begun.abort(new RpcError("canceled", "the server was stopped"));
    this.#onBegin();
    this.#drain(queue).then(this.#done.resolve, this.#done.reject);
  }

  /** Ends the grace period if nothing is left to wait for. */
  checkIdle(): void {
    if (this.begun.aborted && this.#stages.inFlight === 0) {
      this.#idle.resolve();
    }
  }

  async #drain(queue: RequestQueue | undefined): Promise<void> {
    const waiting = this.#stages.pause();
    // A broker that blocks the connection, or stalls, may answer nothing at
    // all.
    await Promise.race([this.#finish(queue, waiting), this.#grace.over]);
    this.#grace.end();
    // The broker gives what still runs to another server.
    this.#stages.dispatcher.abandon();
    await queue?.close();
  }

  async #finish(
    queue: RequestQueue | undefined,
    waiting: Job[],
  ): Promise<void> {
    await queue?.cancel();
    for (const { requests, deliveryTag } of waiting) {
      requests.nack(deliveryTag, true);
    }
    this.checkIdle();
    await this.#idle.promise;
  }
}
