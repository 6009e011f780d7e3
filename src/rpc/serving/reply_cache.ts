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
export interface ReplyCacheLimits {
  /** @default {10000} */
  maxCount?: number;
  /** Bytes of result bodies. @default {67108864} */
  maxBytes?: number;
  /** In ms. @default {300000} */
  maxAgeMs?: number;
}

/** Errors that another attempt may avoid. */
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

/** Outcomes by request, limited in number, bytes and age. */
export class ReplyCache {
  readonly #limits: Required<ReplyCacheLimits>;
  readonly #stored = new Map<string, Stored>();
  #bytes = 0;

  /** All limits hold. */
  constructor(limits: ReplyCacheLimits = {}) {
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

  /** The outcome of the request with that key, if it is remembered. */
  find(key: string): Outcome | undefined {
    const stored = this.#stored.get(key);
    if (stored === undefined) return undefined;
    if (stored.untilMs > nowMs()) return stored.outcome;
    this.#forget(key, stored);
    return undefined;
  }

  /** The same, which is then forgotten. */
  take(key: string): Outcome | undefined {
    const outcome = this.find(key);
    const stored = this.#stored.get(key);
    if (stored) this.#forget(key, stored);
    return outcome;
  }

  /** Remembers an outcome, unless another attempt may avoid its error. */
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
 * The key of a repeated call: message id, method and body. Only with our own
 * marker: the message ids of other clients need not be unique.
 */
export function callKey(request: RpcRequest): string | undefined {
  const { headers, messageId, type, bytes } = request;
  if (messageId === undefined || !isOurs(request)) return undefined;
  // Whoever asks again for items that were sent gets another run.
  if (STREAM_HEADER in headers) return undefined;
  return JSON.stringify([messageId, type, digestOf(bytes)]);
}

/**
 * The correlation id of an attempt, unique since our clients make another each
 * time; undefined if another client made it.
 */
export function attemptId(request: RpcRequest): string | undefined {
  const { correlationId } = request;
  return correlationId && isOurs(request) ? correlationId : undefined;
}

/**
 * The key by which a redelivered request is recognized, whoever sent it. The
 * ids of other clients need not be unique, so each key is used once: requests
 * that share one are equal in all that matters, and each may stand for one
 * other.
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
