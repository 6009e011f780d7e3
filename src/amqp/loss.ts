/**
 * The end of a connection, and who is called back then.
 *
 * @module
 */

/** Happens once. */
export class Loss {
  readonly #happened = Promise.withResolvers<Error>();
  readonly #listeners = new Set<(cause: Error) => void>();
  #cause: Error | undefined;

  /** Resolves, once, with the reason why the connection is gone. */
  get promise(): Promise<Error> {
    return this.#happened.promise;
  }

  /**
   * Calls back when the connection is gone, or soon if it is already. The
   * returned function stops that; a listener of the promise would be kept until
   * the end.
   */
  listen(callback: (cause: Error) => void): () => void {
    this.#listeners.add(callback);
    const cause = this.#cause;
    if (cause !== undefined) {
      queueMicrotask(() => this.#listeners.delete(callback) && callback(cause));
    }
    return () => void this.#listeners.delete(callback);
  }

  /** The connection is gone. */
  happen(cause: Error): void {
    this.#cause = cause;
    this.#happened.resolve(cause);
    for (const callback of this.#listeners) callback(cause);
    this.#listeners.clear();
  }
}
