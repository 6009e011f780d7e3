// What a running program has written so far.

/** Collects a stream of a program. */
export class Output {
  /** Resolves when the stream has ended. */
  readonly end: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #chunks: Uint8Array[] = [];
  readonly #decoder = new TextDecoder();
  #text = "";
  #ended = false;
  #news = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.end = this.#collect();
  }

  /** Whether no more will come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** All of it, as UTF-8. */
  text(): string {
    return this.#text;
  }

  /** The whole lines; at the end, what stands after the last line feed too. */
  lines(): string[] {
    const lines = this.#text.split("\n");
    const rest = lines.pop();
    if (this.#ended && rest) lines.push(rest);
    return lines;
  }

  /** All of it, as it came. */
  bytes(): Uint8Array {
    const lengths = this.#chunks.map((chunk) => chunk.length);
    const bytes = new Uint8Array(lengths.reduce((sum, n) => sum + n, 0));
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }

  /** Resolves when more has come, or the end. */
  more(): Promise<void> {
    return this.#news.promise;
  }

  /** Stops collecting, although the stream may not have ended. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
    await this.end;
  }

  async #collect(): Promise<void> {
    while (true) {
      const { done, value } = await this.#reader.read();
      this.#text += this.#decoder.decode(value, { stream: !done });
      if (value) this.#chunks.push(value);
      this.#ended = done;
      const news = this.#news;
      this.#news = Promise.withResolvers<void>();
      news.resolve();
      if (done) return;
    }
  }
}
