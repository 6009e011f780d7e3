/**
 * Many requests: so many in flight, outcomes in the order of the input or as
 * they come, memory bounded whatever the length of the input.
 *
 * @module
 */
import type { RpcError } from "../../../rpc/errors.ts";
import type { Caller, Outcome } from "../caller.ts";
import type { BatchRequest } from "./requests.ts";

/** What may wait for an outcome before it: so many for each one in flight. */
const REORDER_FACTOR = 8;
/** And so many bytes of replies. */
const MAX_EARLY_BYTES = 64 * 2 ** 20;

/** What a {@linkcode Batch} needs. */
export interface BatchOptions {
  /** Requests in flight at most. */
  concurrency: number;
  /** Whether outcomes are told in the order of their requests. */
  ordered: boolean;
  /** Gets each outcome once. */
  onOutcome: (request: BatchRequest, outcome: Outcome) => void;
  /**
   * Awaited before each request, where there is something to wait for:
   * backpressure from the output, and the pace.
   */
  ready: () => Promise<void> | undefined;
}

/** A request that has its outcome. */
interface Ended {
  readonly request: BatchRequest;
  readonly outcome: Outcome;
}

/**
 * Makes calls as requests come. In order, an outcome is told as soon as all
 * before it have been; a slow one holds up the requests only when a bounded
 * number of outcomes wait behind it.
 */
export class Batch {
  readonly #caller: Caller;
  readonly #options: BatchOptions;
  readonly #early = new Map<number, Ended>();
  #earlyBytes = 0;
  #started = 0;
  #told = 0;
  #inFlight = 0;
  #lastLine = 0;
  #failure: unknown;
  #wake: (() => void) | undefined;

  /** Nothing happens before `run()`. */
  constructor(caller: Caller, options: BatchOptions) {
    this.#caller = caller;
    this.#options = options;
  }

  /** Requests that wait for their reply. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Requests that have got one, or failed. */
  get ended(): number {
    return this.#started - this.#inFlight;
  }

  /** The line of the last request that was sent; 0 before that. */
  get lastLine(): number {
    return this.#lastLine;
  }

  /**
   * Resolves when all outcomes have been told; after the signal nothing more
   * is sent.
   *
   * @throws what the input, the output or a bad option threw.
   */
  async run(
    input: AsyncIterable<Iterable<BatchRequest>>,
    stopping: AbortSignal,
  ): Promise<void> {
    for await (const requests of input) {
      for (const request of requests) {
        const ready = this.#options.ready();
        if (ready) await ready;
        if (stopping.aborted) break;
        void this.#call(request);
        while (this.#crowded) await this.#settled();
      }
      if (stopping.aborted) break;
    }
    while (this.#inFlight > 0) await this.#settled();
    this.#throwFailure();
  }

  get #crowded(): boolean {
    const { concurrency } = this.#options;
    return this.#inFlight >= concurrency ||
      this.#early.size >= concurrency * REORDER_FACTOR ||
      this.#earlyBytes > MAX_EARLY_BYTES;
  }

  async #call(request: BatchRequest): Promise<void> {
    const turn = ++this.#started;
    this.#lastLine = request.line;
    this.#inFlight++;
    try {
      const outcome = request.invalid
        ? unsent(request.id, request.invalid)
        : await this.#caller.call(request);
      this.#end(turn, { request, outcome });
    } catch (error) {
      this.#failure ??= error;
    }
    this.#inFlight--;
    this.#wake?.();
  }

  #end(turn: number, ended: Ended): void {
    if (!this.#options.ordered) return this.#tell(ended);
    this.#early.set(turn, ended);
    this.#earlyBytes += bytesOf(ended);
    for (let next; (next = this.#early.get(this.#told + 1));) {
      this.#early.delete(++this.#told);
      this.#earlyBytes -= bytesOf(next);
      this.#tell(next);
    }
  }

  #tell({ request, outcome }: Ended): void {
    this.#options.onOutcome(request, outcome);
  }

  async #settled(): Promise<void> {
    await new Promise<void>((resolve) => this.#wake = resolve);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function unsent(id: string | number, error: RpcError): Outcome {
  return { id, error, attempts: 0, latencyMs: 0 };
}

function bytesOf({ outcome }: Ended): number {
  return outcome.body?.length ?? 0;
}
