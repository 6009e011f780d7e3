/**
 * Which requests are run: what is refused before any procedure sees it.
 *
 * @module
 */
import type { RpcError } from "../errors.ts";
import type { Job } from "./job.ts";
import type { ReplyPolicy, Verdict } from "./reply_policy.ts";
import { overLimit, type RequestLimits } from "./request_limits.ts";
import type { BrokerConnection, Delivery } from "../transport.ts";

/** What is done with a request that is not run. */
export type Refusal =
  | Exclude<Verdict, "allowed">
  /** Answered with the error, and dead-lettered, or dropped. */
  | { error: RpcError };

/** Where nobody can tell what was asked, nor whom to answer. */
export function unreadable({ malformed }: Delivery): Refusal | undefined {
  if (malformed === undefined) return undefined;
  return { drop: `its properties can't be read: ${malformed.message}` };
}

/** What an {@linkcode Admission} tells its server. */
export interface AdmissionHooks {
  onAdmitted: (job: Job) => void;
  onRefused: (job: Job, refusal: Refusal) => void;
}

/**
 * Lets requests in, or refuses them. Where the broker has to be asked about a
 * `reply_to`, that request waits, and those behind it do not.
 */
export class Admission {
  readonly #limits: RequestLimits;
  readonly #policy: ReplyPolicy;
  readonly #hooks: AdmissionHooks;
  readonly #waiting = new Set<Job>();

  /** The policy comes first: an error reply is a reply as well. */
  constructor(
    limits: RequestLimits,
    policy: ReplyPolicy,
    hooks: AdmissionHooks,
  ) {
    this.#limits = limits;
    this.#policy = policy;
    this.#hooks = hooks;
  }

  /** Jobs that wait for what the broker tells. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Decides on a job that came over this connection, now or later. */
  enter(job: Job, connection: BrokerConnection): void {
    const { replyTo } = job.request;
    // Nobody wants an answer: there is nothing to ask.
    if (replyTo === undefined) return this.#decide(job, "allowed");
    const verdict = this.#policy.known(replyTo);
    if (verdict !== undefined) return this.#decide(job, verdict);
    this.#waiting.add(job);
    this.#policy.learn(replyTo, connection).then(
      (learnt) => this.#learnt(job, learnt),
      () => this.#giveBack(job),
    );
  }

  /** Forgets the jobs that wait: they are the broker's again. */
  connectionLost(): void {
    this.#waiting.clear();
  }

  /** Lets none of the jobs that wait in; returns them. */
  pause(): Job[] {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    return waiting;
  }

  #learnt(job: Job, verdict: Verdict): void {
    if (this.#waiting.delete(job)) this.#decide(job, verdict);
  }

  /** Where the connection is lost this does nothing: the job is the broker's again. */
  #giveBack(job: Job): void {
    if (!this.#waiting.delete(job)) return;
    job.requests.nack(job.deliveryTag, true);
  }

  #decide(job: Job, verdict: Verdict): void {
    if (verdict !== "allowed") return this.#hooks.onRefused(job, verdict);
    const error = overLimit(job.request, this.#limits);
    if (error) this.#hooks.onRefused(job, { error });
    else this.#hooks.onAdmitted(job);
  }
}
