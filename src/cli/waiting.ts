/**
 * Says so when a call waits for a server that is not there.
 *
 * @module
 */
import type { RpcConnection } from "../amqp/connect.ts";
import { requests } from "../rpc/failures.ts";
import { Log, type LogFlags } from "./log.ts";

/** Whoever has waited so long may want to know why. */
const PATIENCE_MS = 1_000;

/** Looks once, after a second, whether the queue has a server at all. */
export function watchForServer(
  rpc: RpcConnection,
  queue: string,
  flags: LogFlags,
): Disposable {
  const timer = setTimeout(() => void look(rpc, queue, flags), PATIENCE_MS);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

async function look(
  rpc: RpcConnection,
  queue: string,
  flags: LogFlags,
): Promise<void> {
  if (flags.quiet || rpc.stats.pending === 0) return;
  try {
    const info = await rpc.inspect(queue);
    if (info?.consumers !== 0) return;
    new Log(flags).info(
      `queue "${queue}" exists but no server is consuming it ` +
        `(${requests(info.messages)} waiting); waiting for one`,
    );
  } catch {
    // The call itself fails with whatever keeps the broker from answering.
  }
}
