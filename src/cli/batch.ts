/**
 * Many requests from stdin: so many in flight, answers in input order, memory
 * bounded whatever the length of the input.
 *
 * @module
 */
import type { RpcError } from "../rpc/errors.ts";
import type { Caller, Outcome } from "./caller.ts";
import { EXIT, exitStatusOf } from "./exit_status.ts";

/** Outcomes that may wait for one before them, for each one in flight. */
const REORDER_FACTOR = 8;

/** What a {@linkcode Batch} needs. */
export interface BatchOptions {
  /** Requests in flight at most. */
  concurrency: number;
  /** Gets the outcomes in the order of their requests. */
  onOutcome: (outcome: Outcome) => void;
  /** Awaited between requests: backpressure from the output, and the pace. */
  ready: () => Promise<void>;
}

/**
 * Calls with bodies as they come. An outcome is told as soon as all before it
 * have been; a slow one holds up the requests only when a bounded number of
 * outcomes wait behind it.
 */
export class Batch {
  readonly #caller: Caller;
  readonly #options: BatchOptions;
  readonly #early = new Map<number, Outcome>();
  #sent = 0;
  #told = 0;
  #inFlight = 0;
  #failure: unknown;
  #wake: (() => void) | undefined;

  /** Nothing happens before `run()`. */
  constructor(caller: Caller, options: BatchOptions) {
    this.#caller = caller;
    this.#options = options;
  }

  /**
   * Resolves when all outcomes have been told; after the signal nothing more
   * is sent.
   *
   * @throws what the input, the output or a bad option threw.
   */
  async run(
    bodies: AsyncIterable<Uint8Array>,
    stopping: AbortSignal,
  ): Promise<void> {
    for await (const body of bodies) {
      if (stopping.aborted) break;
      this.#start(body);
      while (this.#crowded) await this.#settled();
      await this.#options.ready();
    }
    while (this.#inFlight > 0) await this.#settled();
  }

  get #crowded(): boolean {
    const { concurrency } = this.#options;
    return this.#inFlight >= concurrency ||
      this.#early.size >= concurrency * REORDER_FACTOR;
  }

  #start(body: Uint8Array): void {
    this.#inFlight++;
    this.#caller.call(++this.#sent, body).then(
      (outcome) => this.#tell(outcome),
      (error) => this.#failure ??= error,
    ).finally(() => {
      this.#inFlight--;
      this.#wake?.();
    });
  }

  #tell(outcome: Outcome): void {
    this.#early.set(outcome.id, outcome);
    for (let next; (next = this.#early.get(this.#told + 1));) {
      this.#early.delete(++this.#told);
      this.#options.onOutcome(next);
    }
  }

  async #settled(): Promise<void> {
    await new Promise<void>((resolve) => this.#wake = resolve);
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Keeps count of how a batch goes. */
export class BatchResult {
  #done = 0;
  #failed = 0;
  readonly #statuses = new Set<number>();

  /** Counts one outcome. */
  add(error: RpcError | undefined): void {
    this.#done++;
    if (error === undefined) return;
    this.#failed++;
    this.#statuses.add(exitStatusOf(error));
  }

  /** What all failures have in common, or 3 where some went well. */
  get status(): number {
    if (this.#failed === 0) return EXIT.ok;
    const [status] = this.#statuses;
    const alike = this.#failed === this.#done && this.#statuses.size === 1;
    return alike ? status! : EXIT.partly;
  }
}
