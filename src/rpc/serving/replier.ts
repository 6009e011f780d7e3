/**
 * Sends replies: publish, wait for the confirm, and only then acknowledge the
 * request. What can't be published now is held.
 *
 * @module
 */
import { closedByBroker, type RpcError } from "../errors.ts";
import type { Job, Outcome } from "./job.ts";
import type { RpcRequest } from "../procedure.ts";
import {
  encodeOutcome,
  errorReply,
  type Reply,
  unsendable,
} from "./replies.ts";
import { Resends } from "./resends.ts";
import type { ServerEvent } from "./serve_options.ts";
import type { RequestQueue } from "../transport.ts";

/** What becomes of the request once its reply is confirmed. */
export type Settlement = "acknowledge" | "dead_letter";

/** What a {@linkcode Replier} is told, and tells its server. */
export interface ReplierOptions {
  /** The largest body of a reply. */
  maxReplyBytes: number;
  /** Hears of replies that are made, held or dropped. */
  onEvent: (event: ServerEvent) => void;
  /** One reply less is under way. */
  onSettled: () => void;
  /** The connection was lost: the broker will deliver the job again. */
  onHeld: (job: Job, outcome: Outcome) => void;
}

/** A reply on its way, and what becomes of its request. */
interface Sending {
  readonly job: Job;
  readonly replyTo: string;
  readonly outcome: Outcome;
  readonly settlement: Settlement;
}

/** Sends the replies of one server. */
export class Replier {
  readonly #options: ReplierOptions;
  readonly #resends: Resends;
  #underWay = 0;

  /** Sends nothing yet. */
  constructor(options: ReplierOptions) {
    this.#options = options;
    this.#resends = new Resends(options.onEvent);
  }

  /** Replies that are not confirmed yet. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Sends a reply and settles the request. */
  send(job: Job, outcome: Outcome, settlement: Settlement): void {
    const { request } = job;
    const { replyTo } = request;
    const { maxReplyBytes, onEvent } = this.#options;
    this.#underWay++;
    // Without reply_to it is a one-way request: nobody wants the result.
    if (replyTo === undefined) {
      onEvent({ type: "answered", request, error: undefined, ...outcome });
      return this.#settle(job, settlement);
    }
    const reply = encodeOutcome(request, outcome, maxReplyBytes);
    onEvent({ type: "answered", request, error: reply.error });
    this.#publish({ job, replyTo, outcome, settlement }, reply);
  }

  /** See {@linkcode Resends.resume}. */
  resume(requests: RequestQueue): Promise<boolean> {
    return this.#resends.resume(requests);
  }

  /** See {@linkcode Resends.pause}. */
  pause(): void {
    this.#resends.pause();
  }

  /** See {@linkcode Resends.ruinous}. */
  ruinous(request: RpcRequest): boolean {
    return this.#resends.ruinous(request);
  }

  #publish(sending: Sending, reply: Reply): void {
    const { job, replyTo, settlement } = sending;
    const { body, properties } = reply.message;
    job.requests.publish(replyTo, body, properties, {
      confirmed: () => this.#settle(job, settlement),
      failed: (error) => this.#failed(sending, reply, error),
    });
  }

  #failed(sending: Sending, reply: Reply, error: RpcError): void {
    const { job, replyTo, outcome, settlement } = sending;
    const { message } = reply;
    if (error.reason === "connection_lost") {
      // Not acknowledged: the broker delivers the request again as well.
      this.#options.onHeld(job, outcome);
      const { dueMs, request, requests } = job;
      const isError = reply.error !== undefined;
      const suspect = closedByBroker(error);
      const held = { request, replyTo, message, isError, dueMs, suspect };
      this.#resends.add(held, requests);
      this.#over();
    } else if (reply.error) {
      this.#resends.drop(reply, error.message);
      this.#settle(job, settlement);
    } else {
      // It can't even be written: the caller hears that instead.
      this.#publish(sending, errorReply(job.request, unsendable(error)));
    }
  }

  #settle({ requests, deliveryTag }: Job, settlement: Settlement): void {
    if (settlement === "acknowledge") requests.ack(deliveryTag);
    else requests.nack(deliveryTag, false);
    this.#over();
  }

  #over(): void {
    this.#underWay--;
    this.#options.onSettled();
  }
}
