/**
 * The items of streams on stdout, as they come.
 *
 * @module
 */
import { settled } from "../../../async/delay.ts";
import { jsonBody } from "../../../rpc/json.ts";
import type { RpcReply } from "../../../rpc/messages.ts";
import { jsonLine } from "../../printable.ts";
import type { OrderedOutput } from "../../stdio/ordered_output.ts";

const NEWLINE = 10;

/** How items are written. */
export interface ItemOutputOptions {
  /** Each as a line of JSON with the id of its request; else as it is. */
  readonly json: boolean;
  /** Ends the items of a request that do not end so already. */
  readonly end?: Uint8Array;
}

/**
 * Writes items. As JSON, those of several requests are written as they come;
 * else one request's after the other's, in order, while the servers of the later
 * ones wait.
 */
export class ItemOutput {
  readonly #output: OrderedOutput;
  readonly #options: ItemOutputOptions;
  /** When all requests before are written. */
  #turn: Promise<void> = Promise.resolve();

  /** Lines of JSON end with the newline of `output`. */
  constructor(output: OrderedOutput, options: ItemOutputOptions) {
    this.#output = output;
    this.#options = options;
  }

  /**
   * Writes all items of a stream; `onFirst` is called when the first has come.
   *
   * @throws what ends the stream early; and, where stdout can't be written, what
   * `output.broken` rejects with.
   */
  async write(
    id: string | number,
    stream: AsyncIterable<RpcReply>,
    onFirst: () => void,
  ): Promise<void> {
    if (!this.#options.json) return await this.#writeInTurn(stream, onFirst);
    let seq = 0;
    for await (const { bytes } of stream) {
      if (seq === 0) onFirst();
      const item = { id, ok: true, seq: seq++, ...jsonBody(bytes) };
      await this.#add(jsonLine(item));
    }
  }

  async #writeInTurn(
    stream: AsyncIterable<RpcReply>,
    onFirst: () => void,
  ): Promise<void> {
    const iterator = stream[Symbol.asyncIterator]();
    const before = this.#turn;
    const done = Promise.withResolvers<void>();
    this.#turn = done.promise;
    // Asks for the stream: its server works while this waits.
    const first = iterator.next();
    void settled(first.then(onFirst));
    await before;
    try {
      await this.#writeAll(first, iterator);
    } finally {
      done.resolve();
    }
  }

  async #writeAll(
    first: Promise<IteratorResult<RpcReply>>,
    iterator: AsyncIterator<RpcReply>,
  ): Promise<void> {
    let last: number | undefined = NEWLINE;
    try {
      for (let next = await first; !next.done; next = await iterator.next()) {
        const { bytes } = next.value;
        last = bytes.at(-1) ?? last;
        await this.#add(bytes);
      }
    } finally {
      const { end } = this.#options;
      if (end && last !== end[0]) this.#output.add(end);
      await iterator.return?.();
    }
  }

  async #add(item: string | Uint8Array): Promise<void> {
    this.#output.add(item);
    if (this.#output.full) await this.#output.flushed();
  }
}
