// What a stream had to cope with, and what excuses that it did not end as
// planned.

import { countOf } from "../items.ts";
import { HANDLER_TIMEOUT_MS, type Plan } from "../plan.ts";
import { NEVER_MS } from "../plan_calls.ts";
import { hitOf, troublesExcuse } from "./circumstances.ts";
import { MOST_DELIVERIES } from "./situation.ts";
import type { SimulatedCall, SimulatedStream } from "./records.ts";
import { RECOVERY_MS, type Trouble } from "./troubles.ts";

/** Work that comes closer to a limit may go beyond it. */
const MARGIN_MS = 2_000;
/** What a server waits for a reader who takes nothing, by default. */
const STALL_TIMEOUT_MS = 300_000;

/** What was as it was planned, and what a stream needs where all is well. */
export interface StreamNeeds {
  readonly plan: Plan;
  /** To begin. */
  readonly firstMs: number;
  /** What clocks may differ by. */
  readonly clockMs: number;
  readonly isTooLarge: boolean;
}

/** The longest that a procedure takes for an item, or for its reply. */
function gapMs({ planned: { work } }: SimulatedCall): number {
  switch (work.type) {
    case "answer":
      return work.afterMs;
    case "items":
      return work.then === "hang"
        ? Infinity
        : Math.max(work.paceMs, work.pause?.ms ?? 0);
    case "throw":
      return 1;
    case "never":
      return Infinity;
  }
}

/** What the reader and the procedure take together, where all is well. */
function wholeMs(
  call: SimulatedCall,
  { terms }: SimulatedStream,
  { plan, firstMs }: StreamNeeds,
): number {
  const { work } = call.planned;
  const isItems = work.type === "items";
  const count = isItems ? countOf(work, 0) : 1;
  // Each item may wait for credit, and that for two ways.
  const turnMs = 2 * (plan.latencyMs + plan.jitterMs) + 2;
  const eachMs = terms.paceMs + turnMs + (isItems ? work.paceMs : gapMs(call));
  const pauseMs = isItems ? work.pause?.ms ?? 0 : 0;
  return firstMs + count * eachMs + pauseMs + (terms.stop?.ms ?? 0);
}

/** Whether a server may give a stream up: nothing moves for long. */
export function mayBeGivenUp(
  call: SimulatedCall,
  { terms }: SimulatedStream,
  { plan, clockMs }: StreamNeeds,
): boolean {
  const { stallTimeoutMs = STALL_TIMEOUT_MS } = plan;
  const { timeoutMs = Infinity, idleTimeoutMs, stop } = terms;
  // By a clock that is ahead there may be no time for the first item.
  if (call.runs.length === 0 && idleTimeoutMs < clockMs) return true;
  return gapMs(call) + MARGIN_MS > HANDLER_TIMEOUT_MS ||
    (stop?.ms ?? 0) + MARGIN_MS > stallTimeoutMs ||
    (call.endMs ?? 0) >= call.startMs + timeoutMs - clockMs;
}

/** Whether the broker has taken the request back: it was long in one hand. */
export function isTakenBack(
  { startMs, endMs = 0 }: SimulatedCall,
  { plan }: Pick<StreamNeeds, "plan">,
): boolean {
  return endMs - startMs > plan.broker.consumerTimeoutMs;
}

/** Why a stream had to give all that it has, where it had to. */
export function mustGiveAll(
  call: SimulatedCall,
  stream: SimulatedStream,
  troubles: readonly Trouble[],
  needs: StreamNeeds,
): string | undefined {
  const { terms } = stream;
  const { idleTimeoutMs, timeoutMs = Infinity, restart } = terms;
  const idleMs = gapMs(call) + MARGIN_MS;
  const isExcused = isEndedOnPurpose(call) || needs.isTooLarge ||
    isTakenBack(call, needs) ||
    mayBeGivenUp(call, stream, needs) || idleTimeoutMs < idleMs ||
    timeoutMs < wholeMs(call, stream, needs) + needs.clockMs ||
    stream.items === 0 && idleTimeoutMs < needs.firstMs + idleMs;
  if (isExcused) return;
  const hit = hitOf(troubles);
  if (hit === "nothing") return "nothing was wrong";
  if (troublesExcuse(troubles) || hit !== "servers") return;
  if (call.options.requireConsumer || call.deliveries > MOST_DELIVERIES) return;
  if (isAlone(call, needs) && troubles.every(isBrief)) {
    return "its only server was in trouble for a moment";
  }
  if (restart !== "skip" || !repeatsItself(call)) return;
  const wellMs = Math.max(...troubles.map(({ untilMs }) => untilMs)) +
    RECOVERY_MS + needs.firstMs + idleMs;
  return wellMs <= Math.min(stream.waitingMs + idleTimeoutMs, call.endMs ?? 0)
    ? "only servers were in trouble, and not for long"
    : undefined;
}

/** Whether its request can come back to one server alone. */
function isAlone({ planned }: SimulatedCall, { plan }: StreamNeeds): boolean {
  const servers = plan.servers.filter(({ queue }) => queue === planned.queue);
  return servers.length === 1;
}

/** A server is told of it, and begins again at once. */
function isBrief({ kind }: Trouble): boolean {
  return kind === "close-channel" || kind === "cancel-consumer" ||
    kind === "delete-cancel-queue";
}

/** It is aborted, or its procedure throws. */
function isEndedOnPurpose({ planned }: SimulatedCall): boolean {
  const { abortAfterMs = NEVER_MS, work } = planned;
  return abortAfterMs < NEVER_MS || work.type === "throw" ||
    work.type === "items" && work.then === "throw";
}

/** Whether all its runs give the same. */
export function repeatsItself({ planned: { work } }: SimulatedCall): boolean {
  return work.type !== "items" ||
    work.differsFrom === undefined && work.countAgain === undefined;
}

/** What its procedure had given before it threw, in each of its runs. */
export function throwsAfter(
  { planned: { work }, runs }: SimulatedCall,
): number[] {
  if (work.type !== "items" || work.then !== "throw") return [];
  return runs.map(({ ordinal }) => countOf(work, ordinal));
}
