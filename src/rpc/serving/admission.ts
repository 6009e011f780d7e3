/**
 * Decides which requests are run, before any procedure sees them.
 *
 * @module
 */
import { epochNowMs, fromEpochMs } from "../../async/clock.ts";
import type { BrokerConnection, Delivery, RequestQueue } from "../transport.ts";
import { decodeRequest } from "../wire.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Job } from "./job.ts";
import type { Replier } from "./replier.ts";
import { ReplyPolicy, type Verdict } from "./reply_policy.ts";
import { overLimit } from "./request_limits.ts";
import type { ServeSettings } from "./serve_options.ts";

/**
 * Lets requests in, or refuses them. Where the broker has to be asked about a
 * `reply_to`, that request waits, and those behind it do not.
 */
export class Admission {
  readonly #queue: string;
  readonly #settings: ServeSettings;
  readonly #policy: ReplyPolicy;
  readonly #dispatcher: Dispatcher;
  readonly #replier: Replier;
  readonly #waiting = new Set<Job>();

  /** What is let in goes to the dispatcher; what is refused, to the replier. */
  constructor(
    queue: string,
    settings: ServeSettings,
    dispatcher: Dispatcher,
    replier: Replier,
  ) {
    this.#queue = queue;
    this.#settings = settings;
    this.#dispatcher = dispatcher;
    this.#replier = replier;
    this.#policy = new ReplyPolicy({
      queue,
      patterns: settings.replyTo,
      onRefused: (refusal) =>
        settings.onEvent({ type: "reply_to_refused", ...refusal }),
    });
  }

  /** Requests that wait for the broker's answer. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Decides on a delivery that came over this connection, now or later. The
   * policy comes before the limits: an error reply is a reply as well.
   */
  receive(
    requests: RequestQueue,
    delivery: Delivery,
    connection: BrokerConnection,
  ): void {
    const { deliveryTag, malformed } = delivery;
    const epochMs = epochNowMs();
    const request = decodeRequest(delivery, this.#queue, epochMs);
    const dueMs = fromEpochMs(request.deadlineMs, epochMs);
    const job = { requests, deliveryTag, request, dueMs };
    if (malformed !== undefined) {
      // Neither the request nor its caller is known.
      const why = `its properties can't be read: ${malformed.message}`;
      return this.#drop(job, why);
    }
    if (this.#replier.ruinous(request)) {
      return this.#drop(job, "the broker closes connections for its reply");
    }
    const { replyTo } = request;
    // A one-way request has no reply to check.
    const verdict = replyTo === undefined
      ? "allowed"
      : this.#policy.known(replyTo);
    if (verdict !== undefined) this.#decide(job, verdict);
    else this.#ask(job, replyTo!, connection);
  }

  /** Forgets the requests that wait: the broker delivers them again. */
  connectionLost(): void {
    this.#waiting.clear();
  }

  /** Stops waiting; returns the jobs that waited. */
  pause(): Job[] {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    return waiting;
  }

  #ask(job: Job, replyTo: string, connection: BrokerConnection): void {
    this.#waiting.add(job);
    // A job that no longer waits was forgotten or given back meanwhile.
    this.#policy.learn(replyTo, connection).then(
      (verdict) => this.#waiting.delete(job) && this.#decide(job, verdict),
      () =>
        this.#waiting.delete(job) && job.requests.nack(job.deliveryTag, true),
    );
  }

  #decide(job: Job, verdict: Verdict): void {
    if (verdict !== "allowed") {
      if ("drop" in verdict) return this.#drop(job, verdict.drop);
      const { request, requests, deliveryTag } = job;
      const why = verdict.callerGone;
      this.#settings.onEvent({ type: "request_dropped", request, why });
      return requests.ack(deliveryTag);
    }
    const error = overLimit(job.request, this.#settings);
    if (error) this.#replier.send(job, { error }, "dead_letter");
    else this.#dispatcher.accept(job);
  }

  /** Dead-letters a request, or drops it; nobody is answered. */
  #drop({ request, requests, deliveryTag }: Job, why: string): void {
    this.#settings.onEvent({ type: "request_dropped", request, why });
    requests.nack(deliveryTag, false);
  }
}
