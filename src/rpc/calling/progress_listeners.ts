/**
 * Who wants to know how far calls have come.
 *
 * @module
 */
import { MESSAGE_TYPES } from "../stream_wire.ts";
import type { Delivery } from "../transport.ts";
import { UniqueIds } from "../unique_ids.ts";

/** Called with each value that a procedure tells. */
export type OnProgress = (value: unknown) => void;

const decoder = new TextDecoder();

/** Callbacks by the correlation id of the progress messages. */
export class ProgressListeners {
  readonly #ids = new UniqueIds();
  readonly #listeners = new Map<string, OnProgress>();

  /** Listens; returns the id for the request. */
  add(onProgress: OnProgress): string {
    const id = this.#ids.idOf(this.#ids.next());
    this.#listeners.set(id, onProgress);
    return id;
  }

  /** Stops to listen. */
  delete(id: string): void {
    this.#listeners.delete(id);
  }

  /** Listens until what is done meanwhile has ended. */
  async during<T>(
    onProgress: OnProgress,
    act: (id: string) => Promise<T>,
  ): Promise<T> {
    const id = this.add(onProgress);
    try {
      return await act(id);
    } finally {
      this.delete(id);
    }
  }

  /** Whether it is a message of progress; one that is late tells nobody. */
  receive({ properties, body }: Delivery): boolean {
    const { correlationId = "", type } = properties;
    if (type !== MESSAGE_TYPES.progress) return false;
    const onProgress = this.#listeners.get(correlationId);
    if (onProgress === undefined) return true;
    let value: unknown;
    try {
      value = JSON.parse(decoder.decode(body));
    } catch {
      return true;
    }
    // Its errors are the program's, and must not cost other calls their replies.
    queueMicrotask(() => onProgress(value));
    return true;
  }
}
