// What a call had to cope with, and what excuses its failure.

import type { Circumstances } from "../../rules/lost_calls.ts";
import { HANDLER_TIMEOUT_MS } from "../plan.ts";
import { NEVER_MS } from "../plan_calls.ts";
import type { SimulatedCall } from "./records.ts";
import { RECOVERY_MS, type Trouble } from "./troubles.ts";

/** More than there are faults. */
const MANY_RETRIES = 50;
/** Work that comes closer to the limit of a server may be called off. */
const MARGIN_MS = 2_000;

/** `needsMs` is what it takes where all is well, its work not counted. */
export function circumstancesOf(
  { planned: { work } }: SimulatedCall,
  troubles: readonly Trouble[],
  needsMs: number,
): Circumstances {
  const workMs = work.type === "answer"
    ? work.afterMs
    : work.type === "items"
    ? work.count * work.paceMs
    : 0;
  return {
    hit: hitOf(troubles),
    wasDeleted: troubles.some(({ scope }) => scope.queue),
    recoveredMs: Math.max(
      0,
      ...troubles.map(({ untilMs }) => untilMs + RECOVERY_MS),
    ),
    needsMs: workMs + needsMs,
    manyRetries: MANY_RETRIES,
  };
}

export function hitOf(troubles: readonly Trouble[]): Circumstances["hit"] {
  if (troubles.length === 0) return "nothing";
  return troubles.every(({ scope }) => scope.serversOf)
    ? "servers"
    : "anything";
}

/** Why nobody can say that a call had to be answered. */
export function excuseOf(
  { planned: { abortAfterMs, work } }: SimulatedCall,
  troubles: readonly Trouble[],
  isTooLarge: boolean,
): string | undefined {
  if (abortAfterMs !== undefined && abortAfterMs < NEVER_MS) {
    return "it is aborted";
  }
  if (work.type === "items" ? work.then !== "end" : work.type !== "answer") {
    return "it has no answer";
  }
  if (work.type === "answer" && work.afterMs + MARGIN_MS > HANDLER_TIMEOUT_MS) {
    return "it takes longer than a server allows";
  }
  if (isTooLarge) return "it is too large";
  return troublesExcuse(troubles);
}

/** Troubles that end calls for good, or what runs for them. */
export function troublesExcuse(
  troubles: readonly Trouble[],
): string | undefined {
  const had = (...kinds: Trouble["kind"][]) =>
    troubles.some(({ kind }) => kinds.includes(kind));
  if (had("refuse-login", "refuse-messages")) {
    return "a refused login ends a call, and a refused reply is no more";
  }
  if (troubles.some(({ kind, scope }) => kind === "pause" && scope.serversOf)) {
    return "what sleeps on a server that is paused is over before it wakes up";
  }
  return undefined;
}
