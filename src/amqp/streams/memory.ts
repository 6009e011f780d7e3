/**
 * Streams of bytes within a program: two ends, joined.
 *
 * @module
 */
import type { ByteStream } from "./byte_stream.ts";

/** Two ends of one stream: what is written to one is read from the other. */
export function memoryStreams(): [ByteStream, ByteStream] {
  const [forth, back] = [new Pipe(), new Pipe()];
  return [new MemoryStream(back, forth), new MemoryStream(forth, back)];
}

class MemoryStream implements ByteStream {
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;

  constructor(incoming: Pipe, outgoing: Pipe) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#incoming.read(into);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#outgoing.write(bytes);
  }

  close(): void {
    this.#incoming.end();
    this.#outgoing.end();
  }
}

/** One direction. A write ends when all of it has been read. */
class Pipe {
  #bytes: Uint8Array = new Uint8Array(0);
  #ended = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#bytes.length === 0) {
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    const length = Math.min(this.#bytes.length, into.length);
    into.set(this.#bytes.subarray(0, length));
    this.#bytes = this.#bytes.subarray(length);
    if (this.#bytes.length === 0) this.#wakeWriter?.();
    return length;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#ended) throw new Error("the stream was closed");
    // The writer may change the bytes after that.
    this.#bytes = bytes.slice();
    this.#wakeReader?.();
    while (this.#bytes.length > 0 && !this.#ended) {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    }
  }

  end(): void {
    this.#ended = true;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }
}
