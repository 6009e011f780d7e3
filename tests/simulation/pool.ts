// Runs histories on several threads.

import type { Answer, Order, Tally } from "./messages.ts";
import { makePlan, type PlanOptions } from "./plan.ts";

/** Histories that a worker runs before it is asked again. */
const BATCH = 25;

/** Broken by a history that has no trace, since it does not end. */
export const ENDLESS_RULE = "an end at all";
/** What a history takes by far, in real time; more is called endless. */
const ENDLESS_MS = 30_000;

/** A history that does not end: it goes round within one instant. */
class Endless extends Error {
  readonly seed: number;

  constructor(seed: number) {
    super(`the history of seed ${seed} does not end`);
    this.seed = seed;
  }
}

/** A worker, that does one thing after the other. */
class SimulationWorker {
  readonly #worker: Worker;
  #answered = Promise.withResolvers<Answer>();
  #endless: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const url = new URL("worker.ts", import.meta.url);
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.onmessage = ({ data }) => {
      clearTimeout(this.#endless);
      if (data.type === "begun") this.#begun(data.seed);
      else this.#answered.resolve(data);
    };
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

  #begun(seed: number): void {
    this.#endless = setTimeout(() => {
      this.end();
      this.#answered.reject(new Endless(seed));
    }, ENDLESS_MS);
  }

  end(): void {
    clearTimeout(this.#endless);
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
        const tally = await runOn(worker, { seeds, options, stops });
        sum = added(sum, tally);
        // Nor does its worker run another.
        if (tally.isEndless) return;
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

type Batch = Omit<Extract<Order, { type: "run" }>, "type">;

async function runOn(
  worker: SimulationWorker,
  batch: Batch,
): Promise<Tally & { isEndless?: boolean }> {
  try {
    return (await worker.ask({ type: "run", ...batch })).tally;
  } catch (error) {
    if (!(error instanceof Endless)) throw error;
    const plan = makePlan(error.seed, batch.options);
    const what = "it goes round and round within one instant";
    const violation = { rule: ENDLESS_RULE, what, atMs: Infinity };
    const failures = [{ plan, violations: [violation] }];
    return { ...NOTHING, failures, isEndless: true };
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
