/** Lets callers wait while anybody has a reason to hold them back. */

/** A gate, closed while there is at least one reason. */
export class Gate {
  readonly #reasons = new Map<symbol, string>();
  #opened: PromiseWithResolvers<void> | undefined;

  /** The oldest reason why it is closed; undefined while it is open. */
  get reason(): string | undefined {
    for (const reason of this.#reasons.values()) return reason;
    return undefined;
  }

  get closed(): boolean {
    return this.#reasons.size > 0;
  }

  /** Closes it for a reason; the returned function withdraws that reason. */
  close(reason: string): () => void {
    const id = Symbol();
    this.#reasons.set(id, reason);
    return () => {
      this.#reasons.delete(id);
      if (this.closed) return;
      this.#opened?.resolve();
      this.#opened = undefined;
    };
  }

  /** Resolves once it is open. */
  async opened(): Promise<void> {
    if (!this.closed) return;
    this.#opened ??= Promise.withResolvers();
    await this.#opened.promise;
  }
}
