/**
 * The error for a call that got no reply.
 *
 * @module
 */
import type { RpcError } from "../errors.ts";
import type { BrokerConnection } from "../transport.ts";
import { absenceOf, isUntold, timeoutError } from "./failures.ts";
import type { Inspections } from "./inspections.ts";
import type { PendingCall } from "./pending.ts";

/** How long a timed-out call may wait to learn that it had no server. */
const DIAGNOSIS_MS = 500;

/** That the time is up, or that there is no server if that is found out soon. */
export async function whyNoReply(
  call: PendingCall,
  connection: BrokerConnection | undefined,
  inspections: Inspections,
): Promise<RpcError> {
  if (connection === undefined) return timeoutError(call);
  const { queue, sent } = call;
  const { obstacle } = connection;
  if (obstacle !== undefined || !sent) return timeoutError(call, { obstacle });
  try {
    const asked = () => Promise.resolve(connection);
    const limit = { timeoutMs: DIAGNOSIS_MS };
    const info = await inspections.inspect(queue, limit, asked);
    // A server that stops now may have taken the request all the same.
    return absenceOf(queue, info, connection.vhost, true) ?? timeoutError(call);
  } catch (error) {
    // If the broker can't be asked, it is still true that the time is up.
    return timeoutError(call, { untold: isUntold(error) ? error : undefined });
  }
}
