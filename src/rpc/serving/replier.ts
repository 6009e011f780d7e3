/**
 * Sends replies: publish, wait for the confirm, and only then acknowledge the
 * request. What can't be published now is held.
 *
 * @module
 */
import { closedByBroker, type RpcError } from "../errors.ts";
import type { RpcRequest } from "../messages.ts";
import type { PublishListener, RequestQueue } from "../transport.ts";
import type { Job, Outcome } from "./job.ts";
import type { ReplyCache } from "./reply_cache.ts";
import {
  encodeOutcome,
  errorReply,
  type Reply,
  unsendable,
} from "./replies.ts";
import { Resends } from "./resends.ts";
import type { ServerEvent } from "./server_events.ts";

/** What becomes of the request once its reply is confirmed. */
export type Settlement = "acknowledge" | "dead_letter";

/** The stage that requests come to with their outcome. */
export interface ReplyStage {
  /** Sends a reply and settles the request. */
  send(job: Job, outcome: Outcome, settlement: Settlement): void;
}

/** What a {@linkcode Replier} is given. */
export interface ReplierOptions {
  /** The largest body of a reply. */
  maxReplyBytes: number;
  /** Where outcomes are kept of requests that will be delivered again. */
  replyCache: Pick<ReplyCache, "remember">;
  /** Called for replies that are made, held or dropped. */
  onEvent: (event: ServerEvent) => void;
  /** One reply less is under way. */
  onSettled: () => void;
}

/** Sends the replies of one server. */
export class Replier implements ReplyStage {
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

  /** See {@linkcode ReplyStage.send}. */
  send(job: Job, outcome: Outcome, settlement: Settlement): void {
    const { request } = job;
    const { replyTo } = request;
    const { maxReplyBytes, onEvent } = this.#options;
    this.#underWay++;
    // Without reply_to it is a one-way request.
    if (replyTo === undefined) {
      onEvent({ type: "answered", request, error: undefined, ...outcome });
      return this.settle(job, settlement);
    }
    const reply = encodeOutcome(request, outcome, maxReplyBytes);
    const { items } = outcome;
    onEvent({ type: "answered", request, error: reply.error, items });
    new Sending(this, job, replyTo, outcome, settlement).publish(reply);
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

  /** A reply could not be published, or was not confirmed. */
  failed(sending: Sending, reply: Reply, error: RpcError): void {
    const { job, replyTo, outcome, settlement } = sending;
    const { message } = reply;
    if (error.reason === "connection_lost") {
      // Not acknowledged: the broker delivers the request again as well.
      const { dueMs, request, requests } = job;
      this.#options.replyCache.remember(request, outcome);
      const isError = reply.error !== undefined;
      const suspect = closedByBroker(error);
      const held = { request, replyTo, message, isError, dueMs, suspect };
      this.#resends.add(held, requests);
      this.#over();
    } else if (reply.error) {
      this.#resends.drop(reply, error.message);
      this.settle(job, settlement);
    } else {
      // The reply can't be encoded: the caller gets that error instead.
      sending.publish(errorReply(job.request, unsendable(error)));
    }
  }

  /** The request is done with. */
  settle({ requests, deliveryTag }: Job, settlement: Settlement): void {
    if (settlement === "acknowledge") requests.ack(deliveryTag);
    else requests.nack(deliveryTag, false);
    this.#over();
  }

  #over(): void {
    this.#underWay--;
    this.#options.onSettled();
  }
}

/** A reply on its way, and what becomes of its request. */
class Sending implements PublishListener {
  readonly #replier: Replier;
  readonly job: Job;
  readonly replyTo: string;
  readonly outcome: Outcome;
  readonly settlement: Settlement;
  #reply: Reply | undefined;

  constructor(
    replier: Replier,
    job: Job,
    replyTo: string,
    outcome: Outcome,
    settlement: Settlement,
  ) {
    this.#replier = replier;
    this.job = job;
    this.replyTo = replyTo;
    this.outcome = outcome;
    this.settlement = settlement;
  }

  publish(reply: Reply): void {
    this.#reply = reply;
    const { body, properties } = reply.message;
    this.job.requests.publish(this.replyTo, body, properties, this);
  }

  confirmed(): void {
    this.#replier.settle(this.job, this.settlement);
  }

  failed(error: RpcError): void {
    this.#replier.failed(this, this.#reply!, error);
  }
}
