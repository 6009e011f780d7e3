/**
 * The jobs that wait for a free place.
 *
 * @module
 */
import type { Job } from "./job.ts";

/** By priority, the highest first; as they came within one. */
export class WaitingJobs {
  readonly #jobs: Job[] = [];

  /** Jobs that wait. */
  get size(): number {
    return this.#jobs.length;
  }

  /** Adds a job behind all that go before it: mostly that is at the end. */
  add(job: Job): void {
    const jobs = this.#jobs;
    const last = jobs.at(-1);
    const priority = priorityOf(job);
    if (last === undefined || priorityOf(last) >= priority) {
      jobs.push(job);
    } else {
      const before = jobs.findLastIndex((it) => priorityOf(it) >= priority);
      jobs.splice(before + 1, 0, job);
    }
  }

  /** The job whose turn it is; undefined if none waits. */
  take(): Job | undefined {
    return this.#jobs.shift();
  }

  /** Takes the first that asks under this correlation id. */
  takeById(correlationId: string): Job | undefined {
    const index = this.#jobs.findIndex((job) =>
      job.request.correlationId === correlationId
    );
    return index < 0 ? undefined : this.#jobs.splice(index, 1)[0];
  }

  /** Takes all, in order. */
  takeAll(): Job[] {
    return this.#jobs.splice(0);
  }
}

/** A request without one has the lowest, as in RabbitMQ. */
function priorityOf({ request }: Job): number {
  return request.priority ?? 0;
}
