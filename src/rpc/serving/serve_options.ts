/**
 * How a queue is served.
 *
 * @module
 */
import type { ProcedureInterceptor } from "../interceptor.ts";
import {
  checkFunction,
  checkOptions,
  durationMs,
  queueName,
  wholeNumber,
  wrongType,
} from "../limits.ts";
import type { QueueDeclaration } from "../transport.ts";
import { checkDeclaration } from "./declaration.ts";
import type { ServeHooks } from "./server_events.ts";

/** How a queue is served. */
export interface ServeOptions {
  /**
   * Procedures that run at once.
   *
   * @default {256}
   */
  concurrency?: number;
  /**
   * Requests that the broker may hand over ahead of their acknowledgement.
   *
   * @default {Math.max(concurrency, Math.min(2 * concurrency, 16))}
   */
  prefetch?: number;
  /**
   * The limit of one run, in ms. The caller's deadline holds too. A procedure
   * that ignores its signal goes on, but its answer is `deadline_exceeded`
   * and its place is free again. For a stream it is the limit of the time to
   * each item.
   *
   * RabbitMQ takes back requests that stay unacknowledged for 30 minutes. If
   * they may take longer, it is asked to wait (4.3, quorum queues), or the
   * event `consumer_timeout` says what to set.
   *
   * @default {30000}
   */
  handlerTimeoutMs?: number;
  /**
   * On a quorum queue: how often a request may be delivered again before it is
   * answered with `aborted` and dead-lettered (or dropped), since it may be
   * what crashes its servers. Classic queues do not count.
   *
   * @default {5}
   */
  maxDeliveries?: number;
  /**
   * The largest body of a request, in bytes. A request over this or the next
   * two limits is answered with `resource_exhausted` and not run; a caller
   * that awaits no reply finds it dead-lettered, or dropped.
   *
   * @default {16777216}
   */
  maxBodyBytes?: number;
  /**
   * How many headers a request may have, those in nested tables and arrays
   * included.
   *
   * @default {100}
   */
  maxHeaders?: number;
  /**
   * The largest headers of a request, all together, in bytes.
   *
   * @default {65536}
   */
  maxHeaderBytes?: number;
  /**
   * The largest body of a reply, in bytes: a larger one is not sent, and the
   * caller gets `resource_exhausted` instead.
   *
   * @default {16777216}
   */
  maxReplyBytes?: number;
  /**
   * Streams that may be open at once; each takes one of the places of
   * `concurrency`. A request for another is answered `resource_exhausted`.
   *
   * @default {Infinity}
   */
  maxStreams?: number;
  /**
   * The most items of one stream, which is ended by `resource_exhausted` after
   * them.
   *
   * @default {Infinity}
   */
  maxStreamItems?: number;
  /**
   * The most bytes of all items of one stream together. Each item is held to
   * `maxReplyBytes` as well.
   *
   * @default {Infinity}
   */
  maxStreamBytes?: number;
  /**
   * How long a stream may wait for a caller who takes no items, or for the
   * broker, in ms; then it is ended by `deadline_exceeded`. (The limit of the time that the procedure
   * takes for each item is `handlerTimeoutMs`.)
   *
   * @default {300000}
   */
  stallTimeoutMs?: number;
  /**
   * Names of queues that replies may go to beside callback queues (those that
   * the broker named, and those that are exclusive to another connection);
   * `*` stands for any text. A request with any other `reply_to` is not run,
   * but dead-lettered or dropped.
   *
   * @default {[]}
   */
  replyTo?: readonly string[];
  /**
   * What to do about a missing queue, and what to make it.
   *
   * @default {{ mode: "auto", type: "classic" }}
   */
  declare?: QueueDeclaration;
  /**
   * Stop after this many requests.
   *
   * @default {Infinity}
   */
  count?: number;
  /**
   * How long `stop()` waits for running procedures, in ms.
   *
   * @default {30000}
   */
  graceMs?: number;
  /** Around the procedure; the first is the outermost. */
  interceptors?: readonly ProcedureInterceptor[];
}

/** Options and hooks, complete and checked. */
export type ServeSettings = Required<ServeOptions & ServeHooks>;

/** The default prefetch for a concurrency. */
export function defaultPrefetch(concurrency: number): number {
  return Math.max(concurrency, Math.min(2 * concurrency, 16));
}

const DEFAULT_CONCURRENCY = 256;
const DEFAULT_LIMIT_MS = 30_000;
/** In bytes, except for the number of headers. */
const SIZE_LIMITS = {
  maxBodyBytes: 16 * 1024 * 1024,
  maxReplyBytes: 16 * 1024 * 1024,
  maxHeaderBytes: 64 * 1024,
  maxHeaders: 100,
};

/**
 * The settings that these options make.
 *
 * @throws {RangeError} if an option is out of its range.
 * @throws {TypeError} if an option has the wrong type.
 */
export function serveSettings(
  options: ServeOptions & ServeHooks,
): ServeSettings {
  checkOptions(options);
  checkFunction("onEvent", options.onEvent);
  const concurrency = wholeNumber(
    "concurrency",
    options.concurrency ?? DEFAULT_CONCURRENCY,
    1,
  );
  return {
    concurrency,
    prefetch: wholeNumber(
      "prefetch",
      options.prefetch ?? defaultPrefetch(concurrency),
      1,
      65_535,
    ),
    handlerTimeoutMs: durationMs(
      "handlerTimeoutMs",
      options.handlerTimeoutMs ?? DEFAULT_LIMIT_MS,
    ),
    maxDeliveries: wholeNumber("maxDeliveries", options.maxDeliveries ?? 5, 0),
    ...sizeLimits(options),
    ...streamLimits(options),
    replyTo: list("replyTo", options.replyTo).map((pattern) =>
      queueName(pattern, "replyTo")
    ),
    declare: checkDeclaration(options.declare ?? {}),
    count: options.count === undefined
      ? Infinity
      : wholeNumber("count", options.count, 1),
    graceMs: checkGrace(options.graceMs ?? DEFAULT_LIMIT_MS),
    interceptors: list("interceptors", options.interceptors),
    onEvent: options.onEvent ?? (() => {}),
  };
}

/** Time for a reply that is confirmed late, or held while the broker blocks. */
const REPLY_MS = 2 * 60_000;

/**
 * How long a request may stay unacknowledged, including its wait for others.
 */
export function longestUnackedMs(
  { prefetch, concurrency, handlerTimeoutMs }: ServeSettings,
): number {
  const runs = Math.ceil(prefetch / concurrency);
  return runs * handlerTimeoutMs + REPLY_MS;
}

function list<T>(option: string, values: readonly T[] = []): readonly T[] {
  if (Array.isArray(values)) return values;
  throw wrongType(option, "an array", values);
}

function sizeLimits(options: ServeOptions): typeof SIZE_LIMITS {
  const limit = (name: keyof typeof SIZE_LIMITS) =>
    wholeNumber(name, options[name] ?? SIZE_LIMITS[name], 1);
  return {
    maxBodyBytes: limit("maxBodyBytes"),
    maxReplyBytes: limit("maxReplyBytes"),
    maxHeaderBytes: limit("maxHeaderBytes"),
    maxHeaders: limit("maxHeaders"),
  };
}

const DEFAULT_STALL_MS = 5 * 60_000;

function streamLimits(options: ServeOptions) {
  const limit = (name: "maxStreams" | "maxStreamItems" | "maxStreamBytes") =>
    options[name] === undefined || options[name] === Infinity
      ? Infinity
      : wholeNumber(name, options[name], 0);
  return {
    maxStreams: limit("maxStreams"),
    maxStreamItems: limit("maxStreamItems"),
    maxStreamBytes: limit("maxStreamBytes"),
    stallTimeoutMs: durationMs(
      "stallTimeoutMs",
      options.stallTimeoutMs ?? DEFAULT_STALL_MS,
    ),
  };
}

/** A grace period; 0 gives running requests back at once. */
export function checkGrace(graceMs: number): number {
  return graceMs === 0 ? graceMs : durationMs("graceMs", graceMs);
}
