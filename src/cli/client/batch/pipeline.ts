/**
 * Sends many requests with a bounded number in flight, and with bounded memory
 * however long the input is.
 *
 * @module
 */
import type { RpcError } from "../../../rpc/errors.ts";
import type { Outcome, Request } from "../caller.ts";
import type { BatchRequest } from "./requests.ts";

/** How many outcomes may wait for an earlier one, per request in flight. */
const REORDER_FACTOR = 8;
/** How many bytes of such outcomes may wait. */
const MAX_EARLY_BYTES = 64 * 2 ** 20;

/** Makes calls; a failed call does not throw. */
export interface RequestCaller {
  /** Makes one call. */
  call(request: Request): Promise<Outcome>;
  /** How many calls have a server for sure: streams that have begun. */
  readonly begun?: number;
}

/** How a {@linkcode Pipeline} works. */
export interface PipelineOptions {
  /** Most requests in flight. */
  concurrency: number;
  /** Whether outcomes are reported in the order of their requests. */
  ordered: boolean;
  /** Takes each outcome. */
  onOutcome: (request: BatchRequest, outcome: Outcome) => void;
  /**
   * Awaited before each request: for room in the output, and for the rate.
   * Returns undefined if there is nothing to wait for.
   */
  ready: () => Promise<void> | undefined;
}

/** A request with its outcome. */
interface Ended {
  readonly request: BatchRequest;
  readonly outcome: Outcome;
}

/**
 * Makes calls as requests come in. In order, an outcome is reported as soon as
 * all earlier ones are; a slow call holds up new requests only when the limit
 * on outcomes behind it is reached.
 */
export class Pipeline {
  readonly #caller: RequestCaller;
  readonly #options: PipelineOptions;
  readonly #early = new Map<number, Ended>();
  #earlyBytes = 0;
  #started = 0;
  #reported = 0;
  #inFlight = 0;
  #lastLine = 0;
  #failure: unknown;
  #wake: (() => void) | undefined;

  /** Does nothing before `run()`. */
  constructor(caller: RequestCaller, options: PipelineOptions) {
    this.#caller = caller;
    this.#options = options;
  }

  /** How many requests wait for their reply. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** How many of them may still wait for a server. */
  get waiting(): number {
    return this.#inFlight - (this.#caller.begun ?? 0);
  }

  /** How many requests have an outcome. */
  get ended(): number {
    return this.#started - this.#inFlight;
  }

  /** The line of the last request that was sent; 0 before the first. */
  get lastLine(): number {
    return this.#lastLine;
  }

  /**
   * Resolves when all outcomes are reported. After the signal, nothing more is
   * sent.
   *
   * @throws the error of the input, the output or an invalid option.
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
    if (!this.#options.ordered) return this.#report(ended);
    this.#early.set(turn, ended);
    this.#earlyBytes += bytesOf(ended);
    for (let next; (next = this.#early.get(this.#reported + 1));) {
      this.#early.delete(++this.#reported);
      this.#earlyBytes -= bytesOf(next);
      this.#report(next);
    }
  }

  #report({ request, outcome }: Ended): void {
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
