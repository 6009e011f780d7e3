// How calls may end.

import { type Facts, lieOf } from "./lies.ts";
import { type Circumstances, mustAnswer } from "./lost_calls.ts";
import { type Breach, type CallRecord, errorText } from "./records.ts";

/** What is known of a call that has failed. */
export interface FailureCircumstances extends Circumstances {
  readonly facts: Facts;
}

/**
 * The rules that a call has broken which has just ended. `circumstances` is
 * asked where the call has failed: most have not.
 */
export function brokenByEnd(
  call: CallRecord,
  lateMs: number,
  circumstances: () => FailureCircumstances,
): Breach[] {
  const { options, startMs, endMs = 0, end } = call;
  const breaches: Breach[] = [];
  const broken = (rule: string, what: string) => breaches.push({ rule, what });
  const overMs = endMs - startMs - options.timeoutMs - lateMs;
  if (overMs > 0) broken("deadlines", `ends ${overMs} ms too late`);
  switch (end?.type) {
    case "answer":
      if (!end.isRight) broken("right answers", "ends with a wrong answer");
      break;
    case "untyped":
      broken("typed errors", `ends with ${end.what}`);
      break;
    case "error": {
      const { facts, ...others } = circumstances();
      const lie = lieOf(call, end.error, facts);
      const text = errorText(end.error);
      if (lie) broken("true errors", `${lie}: ${text}`);
      const lost = mustAnswer(call, others);
      if (lost) broken("no call is lost", `${lost}: ${text}`);
    }
  }
  return breaches;
}

/** The rule of a call that ends once more. */
export const ENDED_TWICE: Breach = { rule: "one end", what: "ended twice" };

/** What can be said only when all has been told. */
export function brokenAtLast({ end, runs }: CallRecord): Breach[] {
  if (end === undefined) return [{ rule: "one end", what: "has no end" }];
  if (end.type !== "error") return [];
  const { error } = end;
  if (error.maybeExecuted || error.remote || runs.length === 0) return [];
  const what = `ran, which its error denies: ${errorText(error)}`;
  return [{ rule: "true errors", what }];
}
