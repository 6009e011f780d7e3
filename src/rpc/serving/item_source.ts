/**
 * Results that come item by item.
 *
 * @module
 */
import { settled } from "../../async/delay.ts";

/** Where the items of a stream come from. */
export interface ItemSource {
  /** The next item; one at a time. */
  next(): Promise<IteratorResult<unknown>>;
  /** No more items are wanted; does not fail. */
  cancel(reason: unknown): void;
}

/** A result that is a stream; undefined for any other. */
export function itemSource(result: object): ItemSource | undefined {
  // Its iterator could not be canceled while an item is awaited.
  if (result instanceof ReadableStream) return readerOf(result);
  if (!isAsyncIterable(result)) return undefined;
  return new IteratorSource(result[Symbol.asyncIterator]());
}

/** The items of a generator, as most streams are. */
class IteratorSource implements ItemSource {
  readonly #iterator: AsyncIterator<unknown>;

  constructor(iterator: AsyncIterator<unknown>) {
    this.#iterator = iterator;
  }

  next(): Promise<IteratorResult<unknown>> {
    return this.#iterator.next();
  }

  cancel(): void {
    void settled(returned(this.#iterator));
  }
}

/**
 * The body of a Response, piece by piece, each of its MIME type; undefined for
 * one that failed, which is an error, and for one without a body.
 */
export function bodySource(response: Response): ItemSource | undefined {
  const source = response.ok && response.body && itemSource(response.body);
  if (!source) return undefined;
  const contentType = response.headers.get("content-type") ?? undefined;
  return {
    async next() {
      const next = await source.next();
      return next.done
        ? next
        : { done: false, value: { body: next.value, contentType } };
    },
    cancel: (reason) => source.cancel(reason),
  };
}

function readerOf(stream: ReadableStream<unknown>): ItemSource {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    cancel: (reason) => void settled(reader.cancel(reason)),
  };
}

async function returned(iterator: AsyncIterator<unknown>): Promise<void> {
  await iterator.return?.();
}

/** Whether its items come one by one. */
export function isAsyncIterable(
  value: unknown,
): value is AsyncIterable<unknown> {
  if (typeof value !== "object" || value === null) return false;
  const { [Symbol.asyncIterator]: iterate } = value as AsyncIterable<unknown>;
  return typeof iterate === "function";
}
