/**
 * One open request of a long-running child.
 *
 * @module
 */
import type { RpcError } from "../../rpc/errors.ts";
import { LineStream } from "./line_stream.ts";

/** A request for the child. */
export interface LineRequest {
  /** Makes the line that is sent to the child. */
  readonly encode: (id: string) => Uint8Array;
  /** Aborted when nobody wants an answer any more. */
  readonly signal: AbortSignal;
  /** Takes the progress that the child tells. */
  readonly progress: (value: unknown) => void;
}

/** What a child answers: one body, or a stream of items. */
export type LineReply = Uint8Array | AsyncIterable<unknown>;

/** What becomes of a request. */
export interface LineCallHooks {
  /** Items were taken. */
  onTaken: () => void;
  /** It has ended; or the child should hear that its items are not wanted. */
  onClosed: (isCanceled: boolean) => void;
}

/** A request, from when it comes until it is answered or given up. */
export class LineCall {
  /** Whether the child has it. */
  sent = false;
  readonly encode: (id: string) => Uint8Array;
  readonly progress: (value: unknown) => void;
  readonly #signal: AbortSignal;
  readonly #hooks: LineCallHooks;
  readonly #reply = Promise.withResolvers<LineReply>();
  #stream: LineStream | undefined;
  #isClosed = false;

  /** Not sent yet. */
  constructor(
    { encode, signal, progress }: LineRequest,
    hooks: LineCallHooks,
  ) {
    this.encode = encode;
    this.progress = progress;
    this.#signal = signal;
    this.#hooks = hooks;
  }

  /** Its answer; of a stream, as soon as it has begun. */
  get reply(): Promise<LineReply> {
    return this.#reply.promise;
  }

  /** Whether items have come. */
  get isStream(): boolean {
    return this.#stream !== undefined;
  }

  /** Whether too many of them wait. */
  get isFull(): boolean {
    return this.#stream?.isFull ?? false;
  }

  /** From now on, its signal closes it; it may do so at once. */
  listen(): void {
    if (this.#signal.aborted) return this.#onAbort();
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** The answer is one body. */
  answer(body: Uint8Array): void {
    this.#reply.resolve(body);
    this.#close(false);
  }

  /** An item of the answer, in a line of this length. */
  addItem(item: unknown, lineLength: number): void {
    this.#begun().push(item, lineLength);
  }

  /** There are no more items. */
  end(): void {
    this.#begun().end();
    this.#close(false);
  }

  /** There is no answer, or no more of it. */
  fail(error: RpcError): void {
    if (this.#stream) this.#stream.end(error);
    else this.#reply.reject(error);
    this.#close(false);
  }

  readonly #onAbort = (): void => {
    this.#stream?.end(this.#signal.reason);
    this.#reply.reject(this.#signal.reason);
    this.#close(this.isStream);
  };

  #begun(): LineStream {
    if (this.#stream) return this.#stream;
    this.#stream = new LineStream({
      onTaken: this.#hooks.onTaken,
      onReturn: () => this.#close(true),
    });
    this.#reply.resolve(this.#stream);
    return this.#stream;
  }

  #close(isCanceled: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#hooks.onClosed(isCanceled);
  }
}
