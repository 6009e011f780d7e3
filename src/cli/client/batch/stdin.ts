/**
 * stdin as the input of a batch.
 *
 * @module
 */
import { fstatSync } from "node:fs";
import { Splitter } from "../../stdio/read_file.ts";
import { ioError } from "../../stdio/streams.ts";
import {
  type BatchRequest,
  type InputFormat,
  RequestReader,
} from "./requests.ts";

const STDIN = 0;

/** The requests on stdin, until it ends or is no longer wanted. */
export class StdinRequests implements AsyncIterable<Iterable<BatchRequest>> {
  readonly #format: InputFormat;
  readonly #reader = Deno.stdin.readable.getReader();
  readonly #isTyped = Deno.stdin.isTerminal();

  /**
   * Reads nothing yet.
   *
   * Iterating throws {@linkcode CliError} 74 where stdin can't be read.
   */
  constructor(format: InputFormat) {
    this.#format = format;
  }

  /** Ends a read that waits. */
  stop(): void {
    // Where it has failed, whoever reads it has heard of that.
    this.#reader.cancel().catch(ignore);
  }

  /** All that came in one read together: a promise for each would be dear. */
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
      // A terminal that was closed.
      if (this.#isTyped) return { done: true, value: undefined };
      throw ioError("read stdin", error);
    }
  }
}

function ignore(): void {}

function* read(
  reader: RequestReader,
  records: Iterable<Uint8Array>,
): Generator<BatchRequest> {
  for (const record of records) {
    const request = reader.read(record);
    if (request !== undefined) yield request;
  }
}

/** The size of stdin in bytes; undefined where it is no file. */
export function stdinSize(): number | undefined {
  const info = fstatSync(STDIN);
  return info.isFile() ? info.size : undefined;
}

/** Whether stdin is this very file, by whatever name. */
export function isInput({ dev, ino }: Deno.FileInfo): boolean {
  const stdin = fstatSync(STDIN);
  return stdin.isFile() && stdin.dev === dev && stdin.ino === ino;
}
