/**
 * Distinguishes a broker from other servers that may answer on its port.
 *
 * @module
 */

const METHOD_FRAME = 1;
/** Enough to tell TLS from other protocols. */
const TELLING_BYTES = 3;

/** The bytes that came instead of AMQP. */
export class NotAmqpError extends Error {
  /** What was read first. */
  readonly firstBytes: Uint8Array;

  /** Made if the first read is no AMQP frame. */
  constructor(firstBytes: Uint8Array) {
    super("the first bytes are no AMQP 0-9-1 frame");
    this.firstBytes = firstBytes;
  }
}

/** Recognizes AMQP by the first bytes. */
export class ProtocolCheck {
  #passed = false;
  #strange: number[] = [];

  /** The error, if something came that is no AMQP. */
  get strange(): NotAmqpError | undefined {
    if (this.#strange.length === 0) return undefined;
    return new NotAmqpError(Uint8Array.from(this.#strange));
  }

  /**
   * Whether these bytes are AMQP; throws when it is certain that they are not.
   */
  passes(bytes: Uint8Array): boolean {
    this.#passed ||= this.#strange.length === 0 && bytes[0] === METHOD_FRAME;
    if (this.#passed) return true;
    this.#strange.push(...bytes.subarray(0, TELLING_BYTES));
    if (this.#strange.length >= TELLING_BYTES) throw this.strange;
    return false;
  }
}
