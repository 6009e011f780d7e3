/**
 * How far a procedure has come, told to a caller who asked.
 *
 * @module
 */
import { type RpcRequest, toBytes } from "../messages.ts";
import { PROGRESS_HEADER, progressMessage } from "../stream_wire.ts";
import type { PublishListener, RequestQueue } from "../transport.ts";

/** So many may wait for their confirm; of further ones the newest counts. */
const MAX_UNCONFIRMED = 32;

type ProgressMessage = ReturnType<typeof progressMessage>;

/** The progress of one run; it is not told faster than the broker takes it. */
export class ProgressReport implements PublishListener {
  readonly #replyTo: string | undefined;
  readonly #id: string | undefined;
  #requests: RequestQueue | undefined;
  #unconfirmed = 0;
  #newest: ProgressMessage | undefined;

  /** Tells nobody who has not asked. */
  constructor({ headers, replyTo }: RpcRequest) {
    const id = headers[PROGRESS_HEADER];
    this.#replyTo = replyTo;
    if (typeof id === "string") this.#id = id;
  }

  /** @throws {TypeError} if JSON can't hold the value. */
  tell(requests: RequestQueue, value: unknown): void {
    if (this.#id === undefined || this.#replyTo === undefined) return;
    this.#newest = progressMessage(this.#id, value);
    this.#requests = requests;
    if (this.#unconfirmed < MAX_UNCONFIRMED) this.flush(requests);
  }

  /** Sends what waits: the reply comes next. */
  flush(requests: RequestQueue): void {
    const newest = this.#newest;
    if (newest === undefined) return;
    this.#newest = undefined;
    this.#unconfirmed++;
    const { body, properties } = newest;
    requests.publish(this.#replyTo!, toBytes(body), properties, this);
  }

  /** See {@linkcode PublishListener.confirmed}. */
  confirmed(): void {
    this.#unconfirmed--;
    this.flush(this.#requests!);
  }

  /** It is only progress: what is lost of it is not sent again. */
  failed(): void {
    this.#unconfirmed--;
  }
}
