/** Reads the frames that a client sends. */
import { FrameBuffer } from "../../amqp091/frames.ts";
import type { ClientStream } from "./outgoing.ts";

/** The connection, as its input sees it. */
export interface InputHandler {
  /** Whether the connection has ended. */
  readonly ended: boolean;
  /** Whether the rest of the input is to be thrown away. */
  readonly draining: boolean;
  /** Called when octets have arrived. */
  onRead(): void;
  onProtocolHeader(header: string): void;
  /** A promise while no further frame may be handled. */
  beforeFrame(): Promise<void> | undefined;
  onFrame(frame: FrameBuffer): void;
  /** A promise while a client that reads too slowly must catch up. */
  afterFrame(): Promise<void> | undefined;
  /** Called when a frame is malformed, and so is all that follows. */
  onMalformed(error: unknown): void;
  /** Called when all complete frames have been handled. */
  afterFrames(): void;
}

/** The input of one connection. */
export class Input {
  readonly #stream: ClientStream;
  readonly #handler: InputHandler;
  readonly #frames = new FrameBuffer();
  #isHeaderRead = false;

  constructor(stream: ClientStream, handler: InputHandler) {
    this.#stream = stream;
    this.#handler = handler;
  }

  /** The largest frame that the client may send, in octets. */
  set frameMax(octets: number) {
    this.#frames.frameMax = octets;
  }

  /** Reads until the client hangs up or the connection has ended. */
  async run(): Promise<void> {
    while (!this.#handler.ended) {
      const size = await this.#stream.read(this.#frames.space());
      if (size === null) break;
      this.#handler.onRead();
      this.#frames.filled(size);
      await this.#handleFrames();
    }
  }

  async #handleFrames(): Promise<void> {
    if (!this.#isHeaderRead && !this.#readHeader()) return;
    const handler = this.#handler;
    while (true) {
      const wait = handler.beforeFrame();
      if (wait !== undefined) await wait;
      if (handler.ended || handler.draining || !this.#next()) break;
      handler.onFrame(this.#frames);
      const pause = handler.afterFrame();
      if (pause !== undefined) await pause;
    }
    if (handler.draining) this.#frames.discard();
    handler.afterFrames();
  }

  /** Returns whether the protocol header was complete. */
  #readHeader(): boolean {
    const header = this.#frames.takeProtocolHeader();
    if (header === undefined) return false;
    this.#isHeaderRead = true;
    this.#handler.onProtocolHeader(header);
    return true;
  }

  #next(): boolean {
    try {
      return this.#frames.next();
    } catch (error) {
      this.#handler.onMalformed(error);
      return false;
    }
  }
}
