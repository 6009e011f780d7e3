/** Reasons to wait, and the moment when the last of them is gone. */

/** As long as there is a reason, who asks for it waits. */
export class Holds {
  readonly #reasons = new Map<symbol, string>();
  #cleared: PromiseWithResolvers<void> | undefined;

  /** The oldest reason there is. */
  get reason(): string | undefined {
    for (const reason of this.#reasons.values()) return reason;
    return undefined;
  }

  /** Whether there is any. */
  get held(): boolean {
    return this.#reasons.size > 0;
  }

  /** Adds a reason; the function returned takes it away again. */
  add(reason: string): () => void {
    const id = Symbol();
    this.#reasons.set(id, reason);
    return () => {
      this.#reasons.delete(id);
      if (this.held) return;
      this.#cleared?.resolve();
      this.#cleared = undefined;
    };
  }

  /** Resolves when there is no reason any more. */
  async cleared(): Promise<void> {
    if (!this.held) return;
    this.#cleared ??= Promise.withResolvers();
    await this.#cleared.promise;
  }
}
