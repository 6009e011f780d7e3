// What a reader of a stream may be given, and how the stream may end.

import { type Facts, lieOf } from "./lies.ts";
import {
  type Breach,
  type CallError,
  type CallRecord,
  errorText,
} from "./records.ts";

/** One item, as its body tells. */
export interface Item {
  readonly call: number;
  readonly index: number;
  /** Tells runs that differ apart, from where on they do; else 0. */
  readonly variant: number;
  /** It is what its run gave, to the byte. */
  readonly isWhole: boolean;
}

/** What a reader has been given. */
export interface Reading {
  items: number;
  bytes: number;
  /** Of the items that only one run gives; undefined without any. */
  variant?: number;
}

/** What is wrong with an item that a reader is given next. */
export function brokenByItem(
  call: number,
  { items, variant }: Reading,
  item: Item,
): Breach | undefined {
  if (item.call !== call || !item.isWhole) {
    return { rule: "right items", what: `is given what is no item of it` };
  }
  if (item.index !== items) {
    const what = `is given item ${item.index} after ${items} items`;
    return { rule: "items in order", what };
  }
  const isMixed = item.variant !== 0 && variant !== undefined &&
    variant !== item.variant;
  if (!isMixed) return;
  const what =
    `is given items of run ${item.variant} after those of ${variant}`;
  return { rule: "no mixture", what };
}

/** How far a server may be ahead of a reader. */
export interface Ahead {
  /** What it has made, the item at hand not counted. */
  readonly items: number;
  readonly bytes: number;
  readonly credit: number;
  readonly creditBytes: number;
}

/** Whether a procedure is asked for an item that its caller has not. */
export function overCredit(
  { items, bytes }: Reading,
  made: Ahead,
): Breach | undefined {
  const over = (what: string) => ({ rule: "credit", what });
  if (made.items >= items + made.credit) {
    return over(`makes item ${made.items}, with ${items} read of it`);
  }
  if (made.bytes >= bytes + made.creditBytes) {
    return over(`makes ${made.bytes} bytes and more, with ${bytes} read of it`);
  }
}

/** How a stream was asked for. */
export interface StreamTerms {
  readonly idleTimeoutMs: number;
  readonly timeoutMs?: number;
  readonly restart: "abort" | "skip";
}

/** What is known of a stream that has failed. */
export interface StreamFacts extends Facts {
  readonly terms: StreamTerms;
  /** Items that the reader was given. */
  readonly items: number;
  /** After so many its procedure throws, in whichever run. */
  readonly throwsAfter: readonly number[];
  /** Runs that give something else than the first. */
  readonly repeatsItself: boolean;
  /** Why a server may give it up: it hangs, or its reader does. */
  readonly mayBeGivenUp: boolean;
  /** The broker gave its request to two at once, and both went on. */
  readonly isDoubled: boolean;
  /** Since when its reader waits, and when its server was last heard. */
  readonly waitingMs: number;
  readonly heardMs: number | undefined;
}

/** A server that tells nothing for so long is given up. */
export const SILENCE_MS = 14_000;
/** Deadlines that move are looked at together, so much of them later. */
export const COARSE = 1 / 16;

/** What is not true about the error of a stream, where something is not. */
export function lieOfStream(
  call: CallRecord,
  error: CallError,
  facts: StreamFacts,
): string | undefined {
  const { items } = facts;
  const { code, reason, details, remote } = error;
  const told = details?.items ?? 0;
  // Nobody can tell the messages of two runs apart that both go on.
  if (facts.isDoubled) return;
  // What was on its way to a reader who gives up is dropped.
  if (code === "canceled" ? Number(told) < items : told !== items) {
    return `${items} items came before it, and not ${told}`;
  }
  if (remote) return remoteLie(call, error, facts);
  if (reason !== undefined) return lieOf(call, error, facts);
  switch (code) {
    case "canceled":
      return lieOf(call, error, facts);
    case "deadline_exceeded":
      return earlyBy(call, facts);
    case "aborted":
      return restartLie(call, facts);
    case "unavailable":
      return silenceLie(call, facts);
    default:
      return "there is no reason for it";
  }
}

function remoteLie(
  call: CallRecord,
  error: CallError,
  facts: StreamFacts,
): string | undefined {
  const { items, throwsAfter, mayBeGivenUp, isTroubled } = facts;
  switch (error.code) {
    case "failed_precondition":
      if (facts.throws && throwsAfter.length === 0) {
        return lieOf(call, error, facts);
      }
      return throwsAfter.some((after) => isDueAfter(after, call, facts))
        ? undefined
        : `the procedure did not throw after ${items} items`;
    case "deadline_exceeded":
      return mayBeGivenUp || isTroubled ? undefined : "nothing took so long";
    case "aborted":
      // The request may not have come back.
      return isTroubled ? undefined : lieOf(call, error, facts);
    default:
      return lieOf(call, error, facts);
  }
}

function earlyBy(
  { startMs, endMs = 0 }: CallRecord,
  { terms, waitingMs }: StreamFacts,
): string | undefined {
  const { idleTimeoutMs, timeoutMs = Infinity } = terms;
  const dueMs = Math.min(startMs + timeoutMs, waitingMs + idleTimeoutMs);
  const earlyMs = dueMs - endMs;
  return earlyMs > 1 ? `${earlyMs} ms are left` : undefined;
}

function restartLie(
  { runs }: CallRecord,
  { items, terms, repeatsItself }: StreamFacts,
): string | undefined {
  if (runs.length < 2) return "it was not run again";
  if (items === 0) return "nothing had come of it";
  return terms.restart === "skip" && repeatsItself
    ? "the second run gave the same"
    : undefined;
}

/** A second run may throw before it has repeated the items of the first. */
function isDueAfter(
  after: number,
  { runs }: CallRecord,
  { items, terms }: StreamFacts,
): boolean {
  if (after === items) return runs.length > 0;
  return after < items && terms.restart === "skip" && runs.length > 1;
}

function silenceLie(
  { endMs = 0 }: CallRecord,
  { terms, heardMs, isTroubled }: StreamFacts,
): string | undefined {
  if (terms.restart === "skip") return "a second run may come";
  if (heardMs === undefined) return "no server was heard";
  const silentMs = endMs - heardMs;
  if (silentMs < SILENCE_MS) return `the server was heard ${silentMs} ms ago`;
  return isTroubled ? undefined : "nothing was wrong";
}

/** Whether a reader had to wait for too long, for an item or an end. */
export function lateToReader(
  startMs: number,
  untilMs: number,
  lateMs: number,
  { terms, waitingMs, heardMs }: Pick<
    StreamFacts,
    "terms" | "waitingMs" | "heardMs"
  >,
): Breach | undefined {
  const { idleTimeoutMs, timeoutMs = Infinity, restart } = terms;
  const silentDueMs = heardMs === undefined || restart === "skip"
    ? Infinity
    : heardMs + SILENCE_MS * (1 + COARSE);
  // Items that a second run repeats are not given, but they are not idle time.
  const itemMs = restart === "skip"
    ? Math.max(waitingMs, heardMs ?? 0)
    : waitingMs;
  const dueMs = Math.min(
    itemMs + idleTimeoutMs * (1 + COARSE),
    Math.max(waitingMs, startMs + timeoutMs),
    Math.max(waitingMs, silentDueMs),
  );
  const overMs = untilMs - dueMs - lateMs;
  if (overMs <= 0) return;
  return { rule: "deadlines", what: `keeps its reader ${overMs} ms too long` };
}

/** The rules that a failed stream has broken. */
export function brokenByStreamError(
  call: CallRecord,
  error: CallError,
  facts: StreamFacts,
  /** Why it had to give everything, where it had to. */
  lost: string | undefined,
): Breach[] {
  const text = errorText(error);
  const lie = lieOfStream(call, error, facts);
  const breaches: Breach[] = [];
  if (lie) breaches.push({ rule: "true errors", what: `${lie}: ${text}` });
  if (lost) {
    breaches.push({ rule: "no stream is lost", what: `${lost}: ${text}` });
  }
  return breaches;
}
