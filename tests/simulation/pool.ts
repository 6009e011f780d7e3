// Runs histories on several threads.

import type { Answer, Order, Tally } from "./messages.ts";
import type { PlanOptions } from "./plan.ts";

/** Histories that a worker runs before it is asked again. */
const BATCH = 25;

/** A worker, that does one thing after the other. */
class SimulationWorker {
  readonly #worker: Worker;
  #answered = Promise.withResolvers<Answer>();

  constructor() {
    const url = new URL("worker.ts", import.meta.url);
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#answered.resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#answered.reject(new Error(event.message));
    };
  }

  /** Resolves when it has begun. */
  async ready(): Promise<void> {
    await this.#answered.promise;
  }

  async ask<T extends Order["type"]>(
    order: Extract<Order, { type: T }>,
  ): Promise<Extract<Answer, { type: T }>> {
    this.#answered = Promise.withResolvers();
    this.#worker.postMessage(order);
    const answer = await this.#answered.promise;
    if (answer.type === "failed") throw new Error(answer.error);
    return answer as Extract<Answer, { type: T }>;
  }

  end(): void {
    this.#worker.terminate();
  }
}

/** Some workers. */
export class Pool implements Disposable {
  readonly #workers: readonly SimulationWorker[];

  private constructor(workers: readonly SimulationWorker[]) {
    this.#workers = workers;
  }

  /** Starts so many. */
  static async start(count: number): Promise<Pool> {
    const workers = Array.from({ length: count }, () => new SimulationWorker());
    await Promise.all(workers.map((worker) => worker.ready()));
    return new Pool(workers);
  }

  /**
   * Runs the histories of so many seeds from one on; where it stops at the
   * first failure, those that are under way are finished.
   */
  async run(
    { from, count, options, stops }: {
      from: number;
      count: number;
      options: PlanOptions;
      stops: boolean;
    },
  ): Promise<Tally> {
    let sum: Tally = NOTHING;
    let next = from;
    await Promise.all(this.#workers.map(async (worker) => {
      const isEnough = () => stops && sum.failures.length > 0;
      while (next < from + count && !isEnough()) {
        const length = Math.min(BATCH, from + count - next);
        const seeds = Array.from({ length }, () => next++);
        const { tally } = await worker.ask({
          type: "run",
          seeds,
          options,
          stops,
        });
        sum = added(sum, tally);
      }
    }));
    return sum;
  }

  /** Asks one of them. */
  ask<T extends "trace" | "shrink">(
    order: Extract<Order, { type: T }>,
  ): Promise<Extract<Answer, { type: T }>> {
    return this.#workers[0]!.ask(order);
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.end();
  }
}

const NOTHING: Tally = {
  histories: 0,
  answered: 0,
  failed: 0,
  faults: 0,
  steps: 0,
  virtualMs: 0,
  failures: [],
};

function added(one: Tally, other: Tally): Tally {
  return {
    histories: one.histories + other.histories,
    answered: one.answered + other.answered,
    failed: one.failed + other.failed,
    faults: one.faults + other.faults,
    steps: one.steps + other.steps,
    virtualMs: one.virtualMs + other.virtualMs,
    failures: [...one.failures, ...other.failures]
      .sort((a, b) => a.plan.seed - b.plan.seed),
  };
}
