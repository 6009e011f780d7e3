/**
 * Sends replies: publish, wait for the confirm, and only then acknowledge the
 * request. What can't be published now is held.
 *
 * @module
 */
import { RpcError } from "../errors.ts";
import { HeldReplies, type HeldReply } from "./held_replies.ts";
import type { Job, Outcome } from "./job.ts";
import type { RpcRequest } from "../procedure.ts";
import { tooLarge } from "./request_limits.ts";
import type { ServerEvent } from "./serve_options.ts";
import type { RequestQueue } from "../transport.ts";
import { encodeError, encodeReply, type OutgoingMessage } from "../wire.ts";

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
  readonly #held = new HeldReplies();
  /** What is consumed now; its publisher works, as far as is known. */
  #current: RequestQueue | undefined;
  #underWay = 0;

  /** Sends nothing yet. */
  constructor(options: ReplierOptions) {
    this.#options = options;
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

  /** There is a connection again: publishes what was held. */
  resume(requests: RequestQueue): void {
    this.#current = requests;
    for (const reply of this.#held.take()) this.#sendHeld(requests, reply);
  }

  /** There is none for now. */
  pause(): void {
    this.#current = undefined;
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
      const { dueMs } = job;
      this.#sendLater({ replyTo, message, dueMs }, job.requests);
      this.#over();
    } else if (reply.error) {
      this.#dropped(message, error.message);
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

  /** Over the connection that came since, or over the next one. */
  #sendLater(reply: HeldReply, tried: RequestQueue): void {
    const current = this.#current;
    if (current !== undefined && current !== tried) {
      return this.#sendHeld(current, reply);
    }
    const { correlationId } = reply.message.properties;
    this.#options.onEvent({ type: "reply_held", correlationId });
    for (const { message } of this.#held.hold(reply)) {
      this.#dropped(message, "too many replies are held");
    }
  }

  #sendHeld(requests: RequestQueue, reply: HeldReply): void {
    const { replyTo, message } = reply;
    requests.publish(replyTo, message.body, message.properties, {
      confirmed() {},
      failed: ({ reason, message: why }) => {
        if (reason === "connection_lost") this.#sendLater(reply, requests);
        else this.#dropped(message, why);
      },
    });
  }

  #dropped({ properties }: OutgoingMessage, why: string): void {
    const { correlationId } = properties;
    this.#options.onEvent({ type: "reply_dropped", correlationId, why });
  }
}

/** A reply, and the error that it tells of, if it does. */
interface Reply {
  readonly message: OutgoingMessage;
  readonly error: RpcError | undefined;
}

function encodeOutcome(
  request: RpcRequest,
  outcome: Outcome,
  maxBytes: number,
): Reply {
  if ("error" in outcome) return errorReply(request, outcome.error);
  try {
    const message = encodeReply(request, outcome.result);
    const { length } = message.body;
    if (length <= maxBytes) return { message, error: undefined };
    throw tooLarge("a reply", length, maxBytes, "--max-reply");
  } catch (thrown) {
    return errorReply(request, RpcError.from(thrown));
  }
}

function errorReply(request: RpcRequest, error: RpcError): Reply {
  return { message: encodeError(request, error), error };
}

function unsendable(cause: RpcError): RpcError {
  return new RpcError(
    "internal",
    `the reply could not be sent: ${cause.message}`,
    { cause },
  );
}
