// What is known of a call: what was wrong meanwhile, and with whom.

import { requestBody } from "../../chaos/calls.ts";
import type { Facts } from "../../rules/lies.ts";
import { crowdedQueues, type FaultKind, type Plan } from "../plan.ts";
import { LARGE_BYTES } from "../plan_calls.ts";
import type { Book } from "./book.ts";
import type { QueueHistory } from "./queue_history.ts";
import type { SimulatedCall } from "./records.ts";
import type { Trouble, Troubles } from "./troubles.ts";

/** More than a connection has at a time. */
const MANY_CHANNELS = 100;
/** What a server takes by default, of a quorum queue. */
export const MOST_DELIVERIES = 5;

/** What a broker has delivered by then may be lost on its way. */
function isCut({ kind }: Trouble): boolean {
  return kind === "cut" || kind === "crash-server" || kind === "refuse";
}

/** What the rules look at. */
export interface JudgeParts {
  readonly plan: Plan;
  readonly book: () => Book;
  readonly troubles: Troubles;
  readonly queues: ReadonlyMap<string, QueueHistory>;
  now(): number;
  /** Looks again, after so long. */
  later(ms: number, look: () => void): void;
  violation(rule: string, what: string): void;
}

/** Knows what a call had to cope with. */
export class Situation {
  readonly parts: JudgeParts;
  readonly #crowded: ReadonlySet<string>;

  constructor(parts: JudgeParts) {
    this.parts = parts;
    this.#crowded = crowdedQueues(parts.plan.servers);
  }

  /** Whether few procedures may run at once, some of which never end. */
  isCrowded({ planned: { queue } }: SimulatedCall): boolean {
    return this.#crowded.has(queue);
  }

  facts(call: SimulatedCall, troubles: readonly Trouble[]): Facts {
    const { plan, book, queues } = this.parts;
    const { client, planned, startMs, endMs = 0, deliveries } = call;
    const queue = queues.get(planned.queue)!;
    const had = (kind: FaultKind) => troubles.some((it) => it.kind === kind);
    const { work } = planned;
    return {
      isTooLarge: this.isTooLarge(call),
      isTroubled: troubles.length > 0,
      wasQueueMissing: queue.wasMissing(startMs, endMs),
      wasQueueUnserved: queue.wasUnserved(startMs, endMs),
      wereMessagesRefused: had("refuse-messages"),
      wereLoginsRefused: had("refuse-login"),
      wasClosing: book().isClosing(client),
      hasFewChannels: plan.broker.channelMax < MANY_CHANNELS,
      throws: work.type === "throw" ||
        work.type === "items" && work.then === "throw",
      // The broker also counts what was lost on its way to a server.
      isWornOut: plan.queueType === "quorum" &&
        deliveries + troubles.filter(isCut).length > MOST_DELIVERIES,
    };
  }

  /** Whether the request or its reply is more than the broker takes. */
  isTooLarge({ planned: { number, large, work } }: SimulatedCall): boolean {
    const isLarge = large || work.type === "answer" && work.large ||
      work.type === "items" && work.bytes >= LARGE_BYTES ||
      requestBody(number).length >= LARGE_BYTES;
    return isLarge && this.parts.plan.broker.maxMessageSize < LARGE_BYTES;
  }

  /** Whether an item may be too large, with which its channel is closed. */
  get closesChannels(): boolean {
    const { calls, broker } = this.parts.plan;
    return broker.maxMessageSize < LARGE_BYTES &&
      calls.some(({ work }) =>
        work.type === "items" && work.bytes >= LARGE_BYTES
      );
  }

  /** What may have hit a call until then. */
  hitting(
    call: SimulatedCall,
    toMs: number = call.endMs ?? call.startMs + call.planned.options.timeoutMs,
  ): Trouble[] {
    const { client, planned: { queue }, startMs } = call;
    return this.parts.troubles.hitting(client, queue, startMs, toMs);
  }

  /** What a call may be late by since its client was paused, once or more. */
  pausedMs(call: SimulatedCall): number {
    const pauses = this.hitting(call).filter(({ kind }) => kind === "pause");
    return 15_000 * pauses.length;
  }

  /** What clocks may differ by. */
  get clockMs(): number {
    const { skewMs, faults } = this.parts.plan;
    const jumps = faults.filter(({ kind }) => kind === "jump-clock").length;
    return 2 * skewMs + 4_000 * jumps + 1_000;
  }

  broken(
    rule: string,
    { planned, client }: Pick<SimulatedCall, "planned" | "client">,
    what: string,
  ): void {
    const kind = planned.stream ? "stream" : "call";
    const { number } = planned;
    this.parts.violation(rule, `${kind} ${number} (of ${client}) ${what}`);
  }
}
