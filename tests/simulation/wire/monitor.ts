// What one connection of a client or server says and hears: told to the trace,
// and held against the rules of the wire.

import type { Tap } from "../engine/connection.ts";
import { FrameReader, type Method } from "./frames.ts";

/** What a monitor tells. */
export interface MonitorHooks {
  /** For the trace; undefined where nobody reads it. */
  readonly trace: ((line: string) => void) | undefined;
  violation(rule: string, what: string): void;
  /** Deliveries that may be unsettled on a channel. */
  readonly prefetch: number;
  /** A request is published; whether its correlation id is new. */
  requested(request: Method): boolean;
  /** The broker has no queue for a request, or refuses it. */
  unroutable(call: number): void;
  /** A server hears that a call was aborted. */
  canceled(correlationId: string): void;
  now(): number;
  /** A client is given a message. */
  heard(correlationId: string): void;
  /** The broker has a reply, or refuses it. */
  replied(correlationId: string): void;
  /** A request was delivered to a server. */
  delivered(call: number): void;
}

/** A request that was delivered and not settled. */
export interface Delivered {
  readonly correlationId: string;
  readonly body: string;
  readonly atMs: number;
}

/** One channel, as both sides know it. */
class ChannelState {
  confirms = false;
  /** Of the last publish. */
  publishTag = 0;
  /** What is not confirmed, by tag: a reply's correlation id, or a call. */
  readonly unconfirmed: Map<number, string | number> = new Map();
  readonly deliveries: Map<number, Delivered> = new Map();
  /** Whether it consumes with acknowledgements. */
  acknowledges = false;
}

/** Reply codes that a broker has reason to close a channel or return with. */
const EXPECTED_CODES: Record<string, readonly number[]> = {
  "channel.close": [200, 403, 404, 405],
  "connection.close": [200, 320, 403],
};

/** Limits of the broker's that a caller or a procedure goes beyond. */
const EXPECTED_TEXT =
  /larger than (configured )?max size|delivery acknowledgement .* timed out/;

/** Names of queues that are one connection's own. */
const OWN_QUEUE = "amq.gen-";

/** Watches one connection. */
export class Monitor implements Tap {
  readonly #hooks: MonitorHooks;
  readonly #sent: FrameReader;
  readonly #received: FrameReader;
  readonly #channels = new Map<number, ChannelState>();
  /** Since when it may not publish. */
  #blockedMs = Infinity;
  /** What is sent now may have been ready before. */
  #isLate = false;
  /** Correlation ids of replies that the broker has, or refuses. */
  readonly #answeredFor = new Set<string>();

  constructor(hooks: MonitorHooks) {
    this.#hooks = hooks;
    this.#sent = new FrameReader(true, (method) => this.#onSent(method));
    this.#received = new FrameReader(
      false,
      (method) => this.#onReceived(method),
    );
  }

  /** Channels that are open, by number. */
  get channels(): number[] {
    return [...this.#channels.keys()];
  }

  /** Whether what was sent ends with a frame and a message. */
  get isBetween(): boolean {
    return this.#sent.isBetween;
  }

  /** The queue of the connection's own that was declared last. */
  ownQueue: string | undefined;

  /** Deliveries that are not settled, over all channels. */
  get unsettled(): number {
    let count = 0;
    for (const { deliveries } of this.#channels.values()) {
      count += deliveries.size;
    }
    return count;
  }

  /** Those, as they are. */
  get deliveries(): Delivered[] {
    return [...this.#channels.values()].flatMap(({ deliveries }) => [
      ...deliveries.values(),
    ]);
  }

  sent(bytes: Uint8Array, isLate: boolean): void {
    this.#isLate = isLate;
    this.#sent.take(bytes);
  }

  received(bytes: Uint8Array): void {
    this.#received.take(bytes);
  }

  #onSent(method: Method): void {
    this.#hooks.trace?.(`> ${describe(method)}`);
    const { name, channel } = method;
    if (name === "channel.open") {
      this.#channels.set(channel, new ChannelState());
    }
    const state = this.#channels.get(channel);
    if (state === undefined) return this.#unopened(method);
    switch (name) {
      case "channel.close":
      case "channel.close-ok":
        return void this.#channels.delete(channel);
      case "basic.consume":
        state.acknowledges = !method.noAck;
        return;
      case "basic.publish":
        return this.#published(state, method);
      case "basic.ack":
        return this.#settled(state, method, true);
      case "basic.nack":
        return this.#settled(state, method, false);
    }
  }

  #unopened({ channel, name }: Method): void {
    if (channel === 0) return;
    // A close may cross the broker's own.
    if (name === "channel.close-ok") return;
    this.#hooks.violation(
      "channels",
      `${name} on channel ${channel}, not open`,
    );
  }

  #published(state: ChannelState, method: Method): void {
    const { properties = {}, body = "" } = method;
    state.publishTag++;
    if (this.#blockedMs < this.#hooks.now() && !this.#isLate) {
      this.#hooks.violation("blocked", `publishes "${body}" while blocked`);
    }
    const { correlationId } = properties;
    if (correlationId === undefined) return;
    const isRequest = isRequested(method);
    if (isRequest && !this.#hooks.requested(method)) {
      this.#hooks.violation(
        "correlation ids",
        `${correlationId} is used a second time, for "${body}"`,
      );
    }
    // What tells that a stream goes on is no reply.
    if (!state.confirms || properties.type === "alive") return;
    const what = isRequest ? Number.parseInt(body, 10) : correlationId;
    state.unconfirmed.set(state.publishTag, what);
  }

  #settled(state: ChannelState, method: Method, isAck: boolean): void {
    const { deliveryTag = 0, multiple } = method;
    for (const [tag, { correlationId, body }] of state.deliveries) {
      if (multiple ? tag > deliveryTag : tag !== deliveryTag) continue;
      state.deliveries.delete(tag);
      if (method.requeue || this.#answeredFor.has(correlationId)) continue;
      this.#hooks.violation(
        "acknowledge after the confirm",
        `request ${tag} ("${body}", ${correlationId}) is ` +
          `${
            isAck ? "acknowledged" : "dropped"
          }, and its reply is not confirmed`,
      );
    }
  }

  #onReceived(method: Method): void {
    this.#hooks.trace?.(`< ${describe(method)}`);
    const { name, channel, replyCode } = method;
    const expected = EXPECTED_CODES[name];
    const isExcused = EXPECTED_TEXT.test(method.replyText ?? "");
    if (expected && !isExcused && !expected.includes(replyCode ?? 0)) {
      this.#hooks.violation(
        "no mistakes",
        `the broker answers with ${name} ${replyCode} ${method.replyText}`,
      );
    }
    if (name === "connection.blocked") this.#blockedMs = this.#hooks.now();
    if (name === "connection.unblocked") this.#blockedMs = Infinity;
    const state = this.#channels.get(channel);
    if (state === undefined) return;
    switch (name) {
      case "basic.return":
        if (!isRequested(method)) return;
        return this.#hooks.unroutable(Number.parseInt(method.body ?? "", 10));
      case "queue.declare-ok":
        if (method.queue?.startsWith(OWN_QUEUE)) this.ownQueue = method.queue;
        return;
      case "confirm.select-ok":
        state.confirms = true;
        return;
      case "basic.ack":
      case "basic.nack":
        return this.#answered(state, method, name === "basic.ack");
      case "basic.deliver":
        return this.#delivered(state, method);
    }
  }

  #answered(
    { unconfirmed }: ChannelState,
    { deliveryTag = 0, multiple }: Method,
    isAck: boolean,
  ): void {
    for (const [tag, what] of unconfirmed) {
      if (multiple ? tag > deliveryTag : tag !== deliveryTag) continue;
      unconfirmed.delete(tag);
      // A reply that is refused is answered for: there is no more to be done.
      if (typeof what === "number") {
        if (!isAck) this.#hooks.unroutable(what);
        continue;
      }
      this.#answeredFor.add(what);
      this.#hooks.replied(what);
    }
  }

  #delivered(state: ChannelState, method: Method): void {
    const { deliveryTag = 0, properties, body = "" } = method;
    const { correlationId = "", replyTo, type } = properties ?? {};
    if (type === "cancel") this.#hooks.canceled(correlationId);
    else if (type !== "credit" && !state.acknowledges) {
      this.#hooks.heard(correlationId);
    }
    if (!state.acknowledges) return;
    state.deliveries.set(deliveryTag, {
      correlationId,
      body,
      atMs: this.#hooks.now(),
    });
    const { size } = state.deliveries;
    if (size > this.#hooks.prefetch) {
      this.#hooks.violation("prefetch", `${size} deliveries are unsettled`);
    }
    if (replyTo) this.#hooks.delivered(Number.parseInt(body, 10));
  }
}

/** Messages of streams name a queue for answers, too: no queue for requests. */
function isRequested({ properties, routingKey }: Method): boolean {
  return properties?.replyTo !== undefined &&
    !routingKey?.startsWith(OWN_QUEUE);
}

function describe(method: Method): string {
  const { channel, name, properties = {}, body, bodyLength, ...others } =
    method;
  const { correlationId, replyTo, messageId, type } = properties;
  const facts = Object.entries({
    ...others,
    type,
    cid: correlationId?.slice(-6),
    mid: messageId?.slice(-6),
    replyTo: replyTo?.slice(-6),
    body: body && `${JSON.stringify(body)} of ${bodyLength}`,
  }).filter(([, value]) => value !== undefined && value !== "")
    .map(([key, value]) => `${key}=${value}`);
  return `${channel} ${name} ${facts.join(" ")}`.trimEnd();
}
