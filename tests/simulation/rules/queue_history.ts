// Since when a queue has been missing, or without a consumer.

/** When something was not there. */
class Gaps {
  readonly #gaps: { fromMs: number; toMs: number }[] = [];
  #sinceMs: number | undefined = 0;

  note(isThere: boolean, nowMs: number): void {
    if (isThere && this.#sinceMs !== undefined) {
      this.#gaps.push({ fromMs: this.#sinceMs, toMs: nowMs });
      this.#sinceMs = undefined;
    } else if (!isThere) this.#sinceMs ??= nowMs;
  }

  overlap(fromMs: number, toMs: number): boolean {
    if (this.#sinceMs !== undefined && this.#sinceMs <= toMs) return true;
    return this.#gaps.some((gap) => gap.fromMs <= toMs && gap.toMs >= fromMs);
  }
}

/** What can be said of a queue afterwards. */
export class QueueHistory {
  readonly #missing = new Gaps();
  readonly #unserved = new Gaps();

  /** Consumers that it has now; undefined where there is no such queue. */
  note(consumers: number | undefined, nowMs: number): void {
    this.#missing.note(consumers !== undefined, nowMs);
    this.#unserved.note(Boolean(consumers), nowMs);
  }

  wasMissing(fromMs: number, toMs: number): boolean {
    return this.#missing.overlap(fromMs, toMs);
  }

  wasUnserved(fromMs: number, toMs: number): boolean {
    return this.#unserved.overlap(fromMs, toMs);
  }
}
