/**
 * Says so when calls wait for a broker or a server that is not there.
 *
 * @module
 */
import type { RpcConnection } from "../../amqp/connect.ts";
import { delay } from "../../async/delay.ts";
import { RpcError } from "../../rpc/errors.ts";
import { absenceOf, isAbsence, isUntold } from "../../rpc/failures.ts";

/** Whoever has waited so long may want to know why. */
const PATIENCE_MS = 1_000;

/** Asking again would fill the broker's log: each refusal is an error in it. */
const UNTOLD = Symbol("the broker does not tell");

/** What is watched, and who hears of it. */
export interface WaitOptions {
  readonly queue: string;
  readonly vhost: string;
  /** Whether calls wait for a broker and a queue to appear. */
  readonly patient: boolean;
  /** How many calls wait, and how many have ended so far. */
  readonly calls: { readonly inFlight: number; readonly ended: number };
  /** Gets a sentence when something is missing, and when it is another. */
  readonly say: (sentence: string) => void;
}

/**
 * Looks what is missing whenever no call has ended for a second, until it is
 * disposed of.
 */
export function watchForServer(
  rpc: RpcConnection,
  options: WaitOptions,
): Disposable {
  const stopping = new AbortController();
  void watch(rpc, options, stopping.signal);
  return { [Symbol.dispose]: () => stopping.abort() };
}

async function watch(
  rpc: RpcConnection,
  options: WaitOptions,
  signal: AbortSignal,
): Promise<void> {
  let said: string | undefined;
  while (true) {
    const { ended } = options.calls;
    try {
      await delay(PATIENCE_MS, signal);
    } catch {
      return;
    }
    const { calls } = options;
    const stalled = calls.inFlight > 0 && calls.ended === ended;
    const missing = stalled ? await whatIsMissing(rpc, options) : undefined;
    if (signal.aborted || missing === UNTOLD) return;
    if (missing !== undefined && missing !== said) {
      options.say(`${missing}; waiting for one`);
    }
    said = missing;
  }
}

async function whatIsMissing(
  rpc: RpcConnection,
  { queue, vhost, patient }: WaitOptions,
): Promise<string | typeof UNTOLD | undefined> {
  try {
    const info = await rpc.inspect(queue);
    if (info === undefined && !patient) return undefined;
    return absenceOf(queue, info, vhost)?.message;
  } catch (error) {
    if (isUntold(error)) return UNTOLD;
    // Otherwise the calls themselves end in this.
    return patient && isAbsence(error)
      ? RpcError.from(error).message
      : undefined;
  }
}
