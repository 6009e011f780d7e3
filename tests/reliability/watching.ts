// Waiting for what happens, with a bound; procedures that a test ends.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { within } from "../support/within.ts";
import { connect, type ConnectionEvent, RpcError } from "../../src/mod.ts";
import type {
  ConnectOptions,
  Procedure,
  RpcConnection,
  RpcContext,
  RpcRequest,
  RpcResult,
  ServeOptions,
  ServerEvent,
} from "../../src/mod.ts";
import { connectHooks, serveHooks } from "../support/hooks.ts";

/** How long a test waits before it gives up: brokers start and stop in it. */
const BOUND_MS = 20_000;
/** A call that is meant to fail may be watched from a test's start on. */
const CALL_BOUND_MS = 60_000;

/** The promise's outcome, where it comes within {@linkcode BOUND_MS}. */
export function soon<T>(
  what: string,
  promise: Promise<T>,
  boundMs = BOUND_MS,
): Promise<T> {
  return within(what, promise, boundMs);
}

/** Lets all run that waits for nothing but its turn. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** What happened, in order. */
export class Log<T> {
  readonly all: T[] = [];
  #news = Promise.withResolvers<void>();

  /** Adds an event; bound, to be passed as a callback. */
  readonly add = (event: T): void => {
    this.all.push(event);
    const news = this.#news;
    this.#news = Promise.withResolvers();
    news.resolve();
  };

  /** The n-th event (from 1) that matches, past or to come. */
  async first(
    what: string,
    matches: (event: T) => boolean = () => true,
    n = 1,
  ): Promise<T> {
    const find = async () => {
      while (true) {
        const found = this.all.filter(matches)[n - 1];
        if (found !== undefined) return found;
        await this.#news.promise;
      }
    };
    return await soon(`${what} (number ${n})`, find());
  }
}

/** The n-th event (from 1) of a type, past or to come. */
export async function eventOf<
  E extends { type: string },
  T extends E["type"],
>(log: Log<E>, type: T, n = 1): Promise<Extract<E, { type: T }>> {
  const event = await log.first(type, (event) => event.type === type, n);
  return event as Extract<E, { type: T }>;
}

/** A connection, and what becomes of it. */
export interface Watched extends AsyncDisposable {
  readonly rpc: RpcConnection;
  readonly events: Log<ConnectionEvent>;
}

/** Connects. */
export async function watched(
  urls: string | string[],
  options: ConnectOptions = {},
): Promise<Watched> {
  const events = new Log<ConnectionEvent>();
  const rpc = await connect(
    urls,
    connectHooks({ ...options, onEvent: events.add }),
  );
  return { rpc, events, [Symbol.asyncDispose]: () => rpc.close() };
}

/** A procedure that has started, for the test to end. */
export interface Run {
  readonly request: RpcRequest;
  readonly context: RpcContext;
  finish(result: RpcResult): void;
  fail(error: Error): void;
}

/** A procedure whose runs end when and as a test says. */
export class Handler {
  readonly #runs = new Log<Run>();

  /** Pass it to a server. */
  readonly procedure: Procedure = (request, context) => {
    const { promise, resolve, reject } = Promise.withResolvers<RpcResult>();
    this.#runs.add({ request, context, finish: resolve, fail: reject });
    return promise;
  };

  /** How many have started. */
  get count(): number {
    return this.#runs.all.length;
  }

  /** The n-th run (from 1), once it has started. */
  run(n = 1): Promise<Run> {
    return this.#runs.first("run of the procedure", undefined, n);
  }

  /** The first run with this body, once it has started. */
  runOf(body: string): Promise<Run> {
    const matches = ({ request }: Run) => request.text() === body;
    return this.#runs.first(`run of the procedure with "${body}"`, matches);
  }
}

/** Serves with a {@linkcode Handler}, and keeps the server's events. */
export async function serveWith(
  rpc: RpcConnection,
  queue: string,
  handler: Pick<Handler, "procedure">,
  options: ServeOptions = {},
) {
  const events = new Log<ServerEvent>();
  const server = await rpc.serve(
    queue,
    handler.procedure,
    serveHooks({
      ...options,
      onEvent: events.add,
    }),
  );
  return { server, events };
}

/**
 * The one call so far was run once, the next is served too, and the server's
 * connection stood all the time.
 */
export async function servesOn(
  rpc: RpcConnection,
  queue: string,
  handler: Handler,
  answering: Watched,
): Promise<void> {
  const next = rpc.call(queue, "next");
  (await handler.runOf("next")).finish("served");
  assert.equal((await next).text(), "served");
  assert.equal(handler.count, 2);
  const types = answering.events.all.map(({ type }) => type);
  assert.deepEqual(types, ["connected"]);
}

/** A queue name of this test's own. */
export function uniqueQueue(name: string): string {
  return `reliability-${name}-${crypto.randomUUID()}`;
}

/** The RpcError that a call fails with. */
export async function failureOf(call: Promise<unknown>): Promise<RpcError> {
  try {
    await soon("end of the call", call, CALL_BOUND_MS);
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error("the call did not fail");
}
