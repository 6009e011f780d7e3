/**
 * An item of a stream as a message.
 *
 * @module
 */
import { RpcError } from "../../errors.ts";
import type { RpcRequest } from "../../messages.ts";
import { type Run, RUN_HEADER, SEQ_HEADER } from "../../stream_wire.ts";
import { encodeReply, type OutgoingMessage } from "../../wire.ts";
import { sendableValue } from "../result_values.ts";

/**
 * The item with this number, which goes where the reply would.
 *
 * @throws {RpcError} `internal` if it can't be sent.
 */
export function itemMessage(
  request: RpcRequest,
  value: unknown,
  seq: number,
): OutgoingMessage {
  try {
    const message = encodeReply(request, sendableValue(value));
    const { properties } = message;
    // Those of most items are the number alone.
    if (properties.headers === undefined) {
      properties.headers = { [SEQ_HEADER]: seq };
    } else properties.headers = { ...properties.headers, [SEQ_HEADER]: seq };
    return message;
  } catch (thrown) {
    throw RpcError.from(thrown);
  }
}

/** Lets an item say where control messages go. */
export function introduce({ properties }: OutgoingMessage, run: Run): void {
  properties.replyTo = run.controlQueue;
  properties.headers = { ...properties.headers, [RUN_HEADER]: run.id };
}
