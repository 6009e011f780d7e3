// A connection of the library, with all that it tells of itself.

import {
  type ClientOptions,
  connect,
  type ConnectionEvent,
  type ConnectOptions,
  type RpcConnection,
} from "../../src/mod.ts";
import { within } from "../support/within.ts";
import { connectHooks } from "../support/hooks.ts";

/** Which kind of event. */
export type EventType = ConnectionEvent["type"];

/** A connection and its events. */
export interface Connected extends AsyncDisposable {
  readonly rpc: RpcConnection;
  /** The types of all events so far, `connected` first. */
  readonly events: EventType[];
  /** Resolves with the n-th event of this type, past or to come. */
  event(
    type: EventType,
    options?: { occurrence?: number; boundMs?: number },
  ): Promise<ConnectionEvent>;
}

/** Connects. */
export async function connected(
  url: string,
  options: ConnectOptions & ClientOptions = {},
): Promise<Connected> {
  const all: ConnectionEvent[] = [];
  const types: EventType[] = [];
  let news = Promise.withResolvers<void>();
  const onEvent = (event: ConnectionEvent) => {
    all.push(event);
    types.push(event.type);
    news.resolve();
    news = Promise.withResolvers();
  };
  const nth = async (type: EventType, occurrence: number) => {
    while (true) {
      const found = all.filter((event) => event.type === type)[occurrence - 1];
      if (found) return found;
      await news.promise;
    }
  };
  const rpc = await connect(url, connectHooks({ ...options, onEvent }));
  return {
    rpc,
    events: types,
    event: (type, { occurrence = 1, boundMs = 20_000 } = {}) =>
      within(
        `event "${type}" number ${occurrence}`,
        nth(type, occurrence),
        boundMs,
      ),
    [Symbol.asyncDispose]: () => rpc.close(),
  };
}

/** Runs `count` jobs, `concurrency` at a time; throws what a job throws. */
export async function inFlight(
  count: number,
  concurrency: number,
  job: (n: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await job(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}
