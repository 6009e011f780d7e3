/**
 * Reports when calls are waiting for a broker or a server that is missing.
 *
 * @module
 */
import type { RpcConnection } from "../../rpc/connection.ts";
import { delay } from "../../async/delay.ts";
import { RpcError } from "../../rpc/errors.ts";
import { absenceOf, isAbsence, isUntold } from "../../rpc/calling/failures.ts";

/** How long no call may end before the cause is looked for. */
const PATIENCE_MS = 1_000;

/** The broker refused to tell. Each refusal is an error in its log. */
const REFUSED = Symbol("refused");

/** What to watch, and how to report. */
export interface WaitOptions {
  readonly queue: string;
  readonly vhost: string;
  /** Whether calls wait for a missing broker or queue. */
  readonly patient: boolean;
  /** How many calls wait for a server, and how many have ended so far. */
  readonly calls: { readonly waiting: number; readonly ended: number };
  /** Takes a sentence about what is missing, whenever that changes. */
  readonly say: (sentence: string) => void;
}

/**
 * Whenever no call has ended for a second, looks for what is missing, until it
 * is disposed of.
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
    const stalled = calls.waiting > 0 && calls.ended === ended;
    const missing = stalled ? await findMissing(rpc, options) : undefined;
    // Asking again would fill the log of the broker with refusals.
    if (signal.aborted || missing === REFUSED) return;
    if (missing !== undefined && missing !== said) {
      options.say(`${missing}; waiting for one`);
    }
    said = missing;
  }
}

async function findMissing(
  rpc: RpcConnection,
  { queue, vhost, patient }: WaitOptions,
): Promise<string | typeof REFUSED | undefined> {
  try {
    const info = await rpc.inspect(queue);
    if (info === undefined && !patient) return undefined;
    return absenceOf(queue, info, vhost)?.message;
  } catch (error) {
    if (isUntold(error)) return REFUSED;
    // Otherwise the calls themselves fail with this error.
    const failure = RpcError.from(error);
    return patient && isAbsence(failure) ? failure.message : undefined;
  }
}
