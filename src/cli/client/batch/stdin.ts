/**
 * Stdin as the input of a batch.
 *
 * @module
 */
import { settled } from "../../../async/delay.ts";
import { fstatSync } from "node:fs";
import { Splitter } from "../../../procedures/splitter.ts";
import { streamError } from "../../stdio/file_errors.ts";
import {
  type BatchRequest,
  type InputFormat,
  RequestReader,
} from "./requests.ts";

const STDIN = 0;

/** The requests on stdin, until its end or until `stop()`. */
export class StdinRequests implements AsyncIterable<Iterable<BatchRequest>> {
  readonly #format: InputFormat;
  readonly #reader = Deno.stdin.readable.getReader();
  readonly #isTyped = Deno.stdin.isTerminal();

  /**
   * Reads nothing before it is iterated over, which throws
   * {@linkcode CliError} 74 if stdin can't be read.
   */
  constructor(format: InputFormat) {
    this.#format = format;
  }

  /** Ends a pending read. */
  stop(): void {
    // If it has failed, the pending read reports that.
    void settled(this.#reader.cancel());
  }

  /** Groups the requests of one read: a promise for each would be slow. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Iterable<BatchRequest>> {
    const splitter = new Splitter(this.#format.separator);
    const requests = new RequestReader(this.#format);
    for (let next; !(next = await this.#read()).done;) {
      yield read(requests, splitter.split(next.value));
    }
    yield read(requests, splitter.rest());
  }

  async #read(): Promise<ReadableStreamReadResult<Uint8Array>> {
    try {
      return await this.#reader.read();
    } catch (error) {
      // The terminal was closed.
      if (this.#isTyped) return { done: true, value: undefined };
      throw streamError("read stdin", error);
    }
  }
}

function* read(
  reader: RequestReader,
  records: Iterable<Uint8Array>,
): Generator<BatchRequest> {
  for (const record of records) {
    const request = reader.read(record);
    if (request !== undefined) yield request;
  }
}

/** The size of stdin in bytes; undefined if it is not a file. */
export function stdinSize(): number | undefined {
  const info = fstatSync(STDIN);
  return info.isFile() ? info.size : undefined;
}

/** Whether a file is stdin, by whatever name. */
export function isInput({ dev, ino }: Deno.FileInfo): boolean {
  const stdin = fstatSync(STDIN);
  return stdin.isFile() && stdin.dev === dev && stdin.ino === ino;
}
