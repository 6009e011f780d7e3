/**
 * What a call sends, in the two forms that interceptors know.
 *
 * @module
 */
import { isBytes } from "../bytes.ts";
import { RpcError } from "../errors.ts";
import { encodeJson, JSON_CONTENT_TYPE } from "../json.ts";
import { type MessageData, textOrBytes } from "../messages.ts";
import type { RpcArgument } from "../procedure.ts";
import type { CallOptions } from "./call_options.ts";

/** A call or a stream, as interceptors get it. */
interface Outgoing<O> {
  queue: string;
  body: string | Uint8Array;
  options: O;
}

/** Whether an argument is sent as it is, without JSON. */
export function isMessageData(argument: RpcArgument): argument is MessageData {
  return typeof argument === "string" || isBytes(argument);
}

/**
 * The argument as interceptors get it: JSON as text, with its MIME type.
 *
 * @throws {TypeError} if JSON can't hold the argument.
 */
export function outgoingCall<O extends Pick<CallOptions, "contentType">>(
  queue: string,
  argument: RpcArgument,
  options: O,
): Outgoing<O> {
  if (argument === undefined) return { queue, body: "", options };
  if (isMessageData(argument)) {
    return { queue, body: textOrBytes(argument), options };
  }
  const contentType = options.contentType ?? JSON_CONTENT_TYPE;
  const body = encodeArgument(argument);
  return { queue, body, options: { ...options, contentType } };
}

function encodeArgument(argument: unknown): string {
  try {
    return encodeJson(argument);
  } catch (cause) {
    const { message } = RpcError.from(cause);
    const wanted = "an argument must be text, bytes or JSON";
    throw new TypeError(`${wanted}, got ${message}`, { cause });
  }
}
