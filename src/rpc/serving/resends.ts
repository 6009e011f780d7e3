/**
 * Replies that are sent over a later connection than the one they were made on,
 * and those that no connection survives.
 *
 * @module
 */
import { waitAtMost } from "../../async/delay.ts";
import { closedByBroker, type RpcError } from "../errors.ts";
import type { RpcRequest } from "../messages.ts";
import type { RequestQueue } from "../transport.ts";
import { HeldReplies, type HeldReply } from "./held_replies.ts";
import { redeliveryKey } from "./reply_cache.ts";
import { errorReply, unsendable } from "./replies.ts";
import type { ServerEvent } from "./server_events.ts";

/** How long requests wait for the confirms of held replies. */
const CONFIRM_MS = 5_000;
/** Requests that are remembered for when they are delivered again. */
const MAX_RUINOUS = 1_000;

/**
 * Holds replies while there is no connection, and publishes them on the next.
 *
 * A broker that closes a connection (or channel) does not say for which of the
 * messages in flight. So all are suspects, and are sent again one at a time. If
 * it closes the next connection too, with only one reply in flight, that reply
 * is the culprit. It is dropped, and so is its request when that comes again.
 */
export class Resends {
  readonly #onEvent: (event: ServerEvent) => void;
  readonly #held = new HeldReplies();
  readonly #ruinous = new Set<string>();
  /** The queue that is consumed now, as far as is known. */
  #current: RequestQueue | undefined;
  #resuming = false;
  #inFlight = 0;
  /** The suspect that is in flight with no other reply. */
  #alone: HeldReply | undefined;

  /** `onEvent` is called for replies that are held or dropped. */
  constructor(onEvent: (event: ServerEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** There is none for now. */
  pause(): void {
    this.#current = undefined;
  }

  /**
   * There is a connection again. Resolves when the held replies are confirmed,
   * or after a while: a procedure that blocks this thread must not start
   * before. Resolves with false if the connection was lost meanwhile.
   */
  async resume(requests: RequestQueue): Promise<boolean> {
    this.#current = requests;
    this.#resuming = true;
    let alive = true;
    while (alive) {
      const replies = this.#held.take();
      if (replies.length === 0) break;
      alive = await this.#sendAll(requests, replies);
    }
    this.#resuming = false;
    return alive;
  }

  /** Over the connection that came since `tried`, or over the next one. */
  add(reply: HeldReply, tried: RequestQueue): void {
    const current = this.#current;
    if (current === undefined || current === tried || this.#resuming) {
      this.#hold(reply);
    } else void this.#send(current, reply);
  }

  /** Whether the broker has closed connections for the reply to a request. */
  ruinous(request: RpcRequest): boolean {
    if (this.#ruinous.size === 0 || !request.redelivered) return false;
    const key = redeliveryKey(request);
    return key !== undefined && this.#ruinous.has(key);
  }

  /** Gives a reply up. */
  drop(
    { message }: Pick<HeldReply, "message">,
    why: string,
    error?: RpcError,
  ): void {
    const { correlationId } = message.properties;
    const cause = error && { error };
    this.#onEvent({ type: "reply_dropped", correlationId, why, ...cause });
  }

  #hold(reply: HeldReply): void {
    const { correlationId } = reply.message.properties;
    this.#onEvent({ type: "reply_held", correlationId });
    for (const dropped of this.#held.hold(reply)) {
      this.drop(dropped, "too many replies are held");
    }
  }

  /** The suspects one by one; whether the connection has survived it. */
  async #sendAll(
    requests: RequestQueue,
    replies: HeldReply[],
  ): Promise<boolean> {
    const others = replies.filter(({ suspect }) => !suspect);
    let alive = await allAlive(
      others.map((reply) => this.#send(requests, reply)),
    );
    for (const reply of replies.filter(({ suspect }) => suspect)) {
      if (!alive) this.#hold(reply);
      else alive = await allAlive([this.#sendSuspect(requests, reply)]);
    }
    return alive;
  }

  #sendSuspect(requests: RequestQueue, reply: HeldReply): Promise<boolean> {
    const isAlone = this.#inFlight === 0;
    const sending = this.#send(requests, reply);
    if (isAlone) this.#alone = reply;
    return sending;
  }

  /** Whether the connection was still alive when the reply was settled. */
  async #send(requests: RequestQueue, reply: HeldReply): Promise<boolean> {
    this.#alone = undefined;
    this.#inFlight++;
    const failure = await published(requests, reply);
    this.#inFlight--;
    if (failure?.reason === "connection_lost") {
      this.#lost(reply, failure, requests);
      return false;
    }
    if (failure?.reason === "too_large" && !reply.isError) {
      const error = unsendable(failure);
      const { message } = errorReply(reply.request, error);
      return await this.#send(requests, { ...reply, message, isError: true });
    }
    if (failure) this.drop(reply, failure.message);
    return true;
  }

  #lost(reply: HeldReply, failure: RpcError, tried: RequestQueue): void {
    const isCulprit = reply === this.#alone && closedByBroker(failure);
    if (!isCulprit) {
      const suspect = reply.suspect || closedByBroker(failure);
      return this.add({ ...reply, suspect }, tried);
    }
    const key = redeliveryKey(reply.request);
    if (key !== undefined) this.#ruinous.add(key);
    const [oldest] = this.#ruinous;
    if (this.#ruinous.size > MAX_RUINOUS) this.#ruinous.delete(oldest!);
    const to = JSON.stringify(reply.replyTo);
    const why = `the broker closes connections for replies to ${to}`;
    this.drop(reply, why, failure);
  }
}

/** Resolves with why it was not published, if it was not. */
function published(
  requests: RequestQueue,
  { replyTo, message }: HeldReply,
): Promise<RpcError | undefined> {
  return new Promise((resolve) =>
    requests.publish(replyTo, message.body, message.properties, {
      confirmed: () => resolve(undefined),
      failed: resolve,
    })
  );
}

/** Those that take too long count as alive. */
async function allAlive(sendings: Promise<boolean>[]): Promise<boolean> {
  let alive = true;
  const ends = sendings.map((sending) =>
    sending.then((isAlive) => alive &&= isAlive)
  );
  await waitAtMost(CONFIRM_MS, Promise.all(ends));
  return alive;
}
