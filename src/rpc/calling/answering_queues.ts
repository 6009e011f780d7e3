/**
 * Which queues answer: a request to one of these needs no confirm, which costs
 * a tenth of a call and tells less than the reply.
 *
 * @module
 */
import { nowMs } from "../../async/clock.ts";

/** How long after a failure no reply makes a queue trusted again, in ms. */
export const DOUBT_MS = 30_000;
/** The most queues to remember. */
const MAX_QUEUES = 1_000;

/** The queues that have answered over one connection, by name. */
export class AnsweringQueues {
  readonly #trusted = new Set<string>();
  /** Until when, on the clock of `nowMs()`. */
  readonly #doubted = new Map<string, number>();

  /** A reply came. */
  answered(queue: string): void {
    if (!this.#trusted.has(queue)) this.#trust(queue);
  }

  /** A call ended without a reply, or the queue refused a request. */
  failed(queue: string): void {
    this.#trusted.delete(queue);
    if (this.#doubted.size >= MAX_QUEUES) this.#doubted.clear();
    this.#doubted.set(queue, nowMs() + DOUBT_MS);
  }

  /** Whether a reply has come, and nothing has failed for a while before it. */
  has(queue: string): boolean {
    return this.#trusted.has(queue);
  }

  #trust(queue: string): void {
    const untilMs = this.#doubted.get(queue);
    if (untilMs !== undefined && untilMs > nowMs()) return;
    this.#doubted.delete(queue);
    if (this.#trusted.size >= MAX_QUEUES) this.#trusted.clear();
    this.#trusted.add(queue);
  }
}
