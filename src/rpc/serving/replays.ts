/**
 * Remembers what became of requests, so that one that comes again is answered
 * again instead of run again.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { nowMs } from "../../async/clock.ts";
import type { RpcCode } from "../errors.ts";
import type { RpcRequest } from "../messages.ts";
import { STREAM_HEADER } from "../stream_wire.ts";
import { DEADLINE_HEADER } from "../wire.ts";
import type { Outcome } from "./job.ts";

/** How much is remembered; the oldest goes first. */
export interface ReplayLimits {
  /** @default {10000} */
  maxCount?: number;
  /** Bytes of result bodies. @default {67108864} */
  maxBytes?: number;
  /** In ms. @default {300000} */
  maxAgeMs?: number;
}

/** What another attempt may well do better at. */
const TRANSIENT = new Set<RpcCode>([
  "aborted",
  "canceled",
  "deadline_exceeded",
  "resource_exhausted",
  "unavailable",
]);

interface Stored {
  readonly outcome: Outcome;
  readonly bytes: number;
  /** On the clock of `nowMs()`. */
  readonly untilMs: number;
}

/** Outcomes by request, bounded by count, bytes and age. */
export class Replays {
  readonly #limits: Required<ReplayLimits>;
  readonly #stored = new Map<string, Stored>();
  #bytes = 0;

  /** The limits hold together. */
  constructor(limits: ReplayLimits = {}) {
    this.#limits = {
      maxCount: limits.maxCount ?? 10_000,
      maxBytes: limits.maxBytes ?? 64 * 1024 * 1024,
      maxAgeMs: limits.maxAgeMs ?? 300_000,
    };
  }

  /** Outcomes that are remembered. */
  get size(): number {
    return this.#stored.size;
  }

  /** What became of the request with that key, if it is remembered. */
  find(key: string): Outcome | undefined {
    const stored = this.#stored.get(key);
    if (stored === undefined) return undefined;
    if (stored.untilMs > nowMs()) return stored.outcome;
    this.#forget(key, stored);
    return undefined;
  }

  /** The same, which is forgotten. */
  take(key: string): Outcome | undefined {
    const outcome = this.find(key);
    const stored = this.#stored.get(key);
    if (stored) this.#forget(key, stored);
    return outcome;
  }

  /** Remembers an outcome, unless another attempt may do better. */
  store(key: string, outcome: Outcome): void {
    if ("error" in outcome && TRANSIENT.has(outcome.error.code)) return;
    const bytes = outcomeBytes(outcome);
    const { maxAgeMs, maxBytes, maxCount } = this.#limits;
    if (bytes > maxBytes) return;
    const before = this.#stored.get(key);
    if (before) this.#forget(key, before);
    this.#stored.set(key, { outcome, bytes, untilMs: nowMs() + maxAgeMs });
    this.#bytes += bytes;
    for (const [oldest, stored] of this.#stored) {
      const fits = this.#stored.size <= maxCount && this.#bytes <= maxBytes;
      if (fits && stored.untilMs > nowMs()) break;
      this.#forget(oldest, stored);
    }
  }

  /** Remembers the outcome of a request that is going to be delivered again. */
  remember(request: RpcRequest, outcome: Outcome): void {
    const key = redeliveryKey(request);
    if (key !== undefined) this.store(key, outcome);
  }

  #forget(key: string, stored: Stored): void {
    this.#stored.delete(key);
    this.#bytes -= stored.bytes;
  }
}

function outcomeBytes(outcome: Outcome): number {
  if ("error" in outcome) return outcome.error.message.length;
  const { result = "" } = outcome;
  const isBody = typeof result === "string" || result instanceof Uint8Array;
  return (isBody ? result : result.body).length;
}

/**
 * What makes a repeated call the same: message id, method and body. Only where
 * our own marker is there: the ids of other clients need not be unique.
 */
export function replayKey(request: RpcRequest): string | undefined {
  const { headers, messageId, type, bytes } = request;
  if (messageId === undefined || !isOurs(request)) return undefined;
  // Whoever asks again for items that were sent gets another run.
  if (STREAM_HEADER in headers) return undefined;
  return JSON.stringify([messageId, type, digestOf(bytes)]);
}

/**
 * What tells an attempt from all others: its correlation id, which our clients
 * make afresh each time; undefined where another client made it.
 */
export function attemptId(request: RpcRequest): string | undefined {
  const { correlationId } = request;
  return correlationId && isOurs(request) ? correlationId : undefined;
}

/**
 * By what a request is known again that the broker delivers a second time,
 * whoever sent it. Others' ids need not be unique: requests that share such a
 * key are equal in all that matters, and each may stand for one other only.
 */
export function redeliveryKey(request: RpcRequest): string | undefined {
  const { bytes, correlationId, messageId, replyTo, type } = request;
  if (replyTo === undefined) return undefined;
  return attemptId(request) ?? JSON.stringify(
    [replyTo, correlationId, messageId, type, digestOf(bytes)],
  );
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64");
}

/** Whoever asks for a stream has to make such ids as our clients do. */
function isOurs({ headers }: RpcRequest): boolean {
  return DEADLINE_HEADER in headers || STREAM_HEADER in headers;
}
