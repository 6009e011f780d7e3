/**
 * Results of procedures, each as one message can hold it.
 *
 * @module
 */
import type { RpcResult } from "../procedure.ts";
import type { SendableResult } from "../wire.ts";
import { itemSource } from "./item_source.ts";
import { joined } from "./joined.ts";
import { type ReadLimits, readResponse } from "./response.ts";
import { sendableValue } from "./result_values.ts";

/**
 * A result as a message can hold it; a promise for a `Response` or a stream,
 * which has to be read first, within these limits.
 *
 * @throws {RpcError} `internal` if JSON can't hold the value.
 */
export function sendable(
  result: RpcResult,
  limits: ReadLimits,
): SendableResult | Promise<SendableResult> {
  const isSingle = typeof result !== "object" || result === null ||
    ArrayBuffer.isView(result);
  if (isSingle) return sendableValue(result);
  if (result instanceof Response) return readResponse(result, limits);
  const source = itemSource(result);
  return source ? joined(source, limits) : sendableValue(result);
}
