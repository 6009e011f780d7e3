/**
 * How a queue is served, and what a server tells while it works.
 *
 * @module
 */
import type { RpcError } from "../errors.ts";
import type { ProcedureInterceptor } from "../interceptor.ts";
import {
  checkFunction,
  checkOptions,
  durationMs,
  queueName,
  wholeNumber,
  wrongType,
} from "../limits.ts";
import type { RpcRequest } from "../messages.ts";
import type { QueueDeclaration } from "../transport.ts";
import { checkDeclaration } from "./declaration.ts";

/** What a server tells while it works. */
export type ServerEvent =
  /** Requests are being consumed from now on. */
  | { type: "consuming"; queue: string }
  /** It was told to stop, or has had its count: no more requests are taken. */
  | { type: "draining" }
  /** The queue was lost; it is tried again after the delay. */
  | { type: "interrupted"; error: RpcError; retryInMs: number }
  /** A procedure starts. */
  | { type: "request"; request: RpcRequest }
  /**
   * It came before, and is not run again: it gets the answer of that run, now
   * or when it ends.
   */
  | { type: "repeated"; request: RpcRequest }
  /**
   * A procedure ended, well or with an error; the reply follows. `items` is how
   * many were sent, where that was a stream.
   */
  | { type: "answered"; request: RpcRequest; error?: RpcError; items?: number }
  /** A reply waits for the connection to come back. */
  | { type: "reply_held"; correlationId?: string }
  /**
   * A reply could not be delivered: nobody awaits it any more, or the broker
   * closes connections for it, with this error; its request is dropped then.
   */
  | {
    type: "reply_dropped";
    correlationId?: string;
    why: string;
    error?: RpcError;
  }
  /** A request was neither run nor answered. */
  | { type: "request_dropped"; request: RpcRequest; why: string }
  /**
   * Requests with this `reply_to` are not run; told once for each name. Where
   * it is `allowable`, the option `replyTo` can allow it.
   */
  | {
    type: "reply_to_refused";
    replyTo: string;
    why: string;
    allowable: boolean;
  }
  /**
   * A request may stay unacknowledged for longer than the broker waits by
   * default before it takes it back; what to set there. Told once.
   */
  | { type: "consumer_timeout"; unackedMs: number; advice: string };

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
   * RabbitMQ takes requests back that stay unacknowledged for 30 minutes; where
   * they may for longer, it is asked to wait (4.3, quorum queues), or the event
   * `consumer_timeout` says what to set.
   *
   * @default {30000}
   */
  handlerTimeoutMs?: number;
  /**
   * On a quorum queue: how often a request may be delivered again before it
   * is answered with `aborted` and dead-lettered (or dropped), since it may be
   * what ends its servers. Classic queues do not count.
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
  /**
   * Called with what happens, the moment it happens, as spans and metrics need
   * it, and with what happens before `serve()` resolves; must not throw.
   * Elsewhere, read `events()` of the server.
   */
  onEvent?: (event: ServerEvent) => void;
}

/** The default prefetch for a concurrency. */
export function defaultPrefetch(concurrency: number): number {
  return Math.max(concurrency, Math.min(2 * concurrency, 16));
}

const DEFAULT_CONCURRENCY = 256;
const DEFAULT_LIMIT_MS = 30_000;
/** In bytes, but for the number of headers. */
const SIZE_LIMITS = {
  maxBodyBytes: 16 * 1024 * 1024,
  maxReplyBytes: 16 * 1024 * 1024,
  maxHeaderBytes: 64 * 1024,
  maxHeaders: 100,
};

/** The options, complete and checked. */
export function serveSettings(options: ServeOptions): Required<ServeOptions> {
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

/** For a reply that is confirmed late, or held while the broker is blocked. */
const REPLY_MS = 2 * 60_000;

/** How long a request may stay unacknowledged, what it waits for included. */
export function longestUnackedMs(
  { prefetch, concurrency, handlerTimeoutMs }: Required<ServeOptions>,
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

/** 0 is allowed: what runs is given back at once. */
export function checkGrace(graceMs: number): number {
  return graceMs === 0 ? graceMs : durationMs("graceMs", graceMs);
}
