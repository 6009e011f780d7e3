/**
 * Sends replies: publish, wait for the confirm, and only then acknowledge the
 * request. What can't be published now is held.
 *
 * @module
 */
import { RpcError } from "./errors.ts";
import { HeldReplies, type HeldReply } from "./held_replies.ts";
import type { Job, Outcome } from "./job.ts";
import type { RpcRequest } from "./procedure.ts";
import type { ServerEvent } from "./serve_options.ts";
import type { RequestQueue } from "./transport.ts";
import { encodeError, encodeReply, type OutgoingMessage } from "./wire.ts";

/** What becomes of the request once its reply is confirmed. */
export type Settlement = "acknowledge" | "dead_letter";

/** What a {@linkcode Replier} tells its server. */
export interface ReplierHooks {
  /** One reply less is under way. */
  onSettled: () => void;
  /** The connection was lost: the broker will deliver the job again. */
  onHeld: (job: Job, outcome: Outcome) => void;
}

/** A reply on its way, and what becomes of its request. */
interface Reply {
  readonly job: Job;
  readonly replyTo: string;
  readonly settlement: Settlement;
}

/** Sends the replies of one server. */
export class Replier {
  readonly #onEvent: (event: ServerEvent) => void;
  readonly #held = new HeldReplies();
  readonly #hooks: ReplierHooks;
  /** What is consumed now; its publisher works, as far as is known. */
  #current: RequestQueue | undefined;
  #underWay = 0;

  /** `onEvent` hears of replies that were held or dropped. */
  constructor(onEvent: (event: ServerEvent) => void, hooks: ReplierHooks) {
    this.#onEvent = onEvent;
    this.#hooks = hooks;
  }

  /** Replies that are not confirmed yet. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Sends a reply and settles the request. */
  send(job: Job, outcome: Outcome, settlement: Settlement): void {
    this.#underWay++;
    const { replyTo } = job.request;
    // Without reply_to it is a one-way request: nobody wants the result.
    if (replyTo === undefined) return this.#settle(job, settlement);
    this.#publish({ job, replyTo, settlement }, outcome);
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

  #publish(reply: Reply, outcome: Outcome): void {
    const { job, replyTo } = reply;
    const message = encodeOutcome(job.request, outcome);
    job.requests.publish(replyTo, message.body, message.properties, {
      confirmed: () => this.#settle(job, reply.settlement),
      failed: (error) => this.#failed(reply, outcome, message, error),
    });
  }

  #failed(
    reply: Reply,
    outcome: Outcome,
    message: OutgoingMessage,
    error: RpcError,
  ): void {
    const { job, replyTo, settlement } = reply;
    if (error.reason === "connection_lost") {
      // Not acknowledged: the broker delivers the request again as well.
      this.#hooks.onHeld(job, outcome);
      const { deadlineMs } = job.request;
      this.#sendLater({ replyTo, message, deadlineMs }, job.requests);
      this.#over();
    } else if ("error" in outcome) {
      this.#dropped(message, error.message);
      this.#settle(job, settlement);
    } else {
      // It can't even be written: the caller hears that instead.
      this.#publish(reply, { error: unsendable(error) });
    }
  }

  #settle({ requests, deliveryTag }: Job, settlement: Settlement): void {
    if (settlement === "acknowledge") requests.ack(deliveryTag);
    else requests.nack(deliveryTag, false);
    this.#over();
  }

  #over(): void {
    this.#underWay--;
    this.#hooks.onSettled();
  }

  /** Over the connection that came since, or over the next one. */
  #sendLater(reply: HeldReply, tried: RequestQueue): void {
    const current = this.#current;
    if (current !== undefined && current !== tried) {
      return this.#sendHeld(current, reply);
    }
    const { correlationId } = reply.message.properties;
    this.#onEvent({ type: "reply_held", correlationId });
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
    this.#onEvent({ type: "reply_dropped", correlationId, why });
  }
}

function encodeOutcome(request: RpcRequest, outcome: Outcome): OutgoingMessage {
  if ("error" in outcome) return encodeError(request, outcome.error);
  try {
    return encodeReply(request, outcome.result);
  } catch (thrown) {
    return encodeError(request, RpcError.from(thrown));
  }
}

function unsendable(cause: RpcError): RpcError {
  return new RpcError(
    "internal",
    `the reply could not be sent: ${cause.message}`,
    { cause },
  );
}
