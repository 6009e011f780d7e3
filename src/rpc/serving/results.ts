/**
 * Results of procedures, as messages can hold them.
 *
 * @module
 */
import { settled } from "../../async/delay.ts";
import { bytesOf, isBytes } from "../bytes.ts";
import { RpcError } from "../errors.ts";
import { encodeJson, JSON_CONTENT_TYPE } from "../json.ts";
import type { ReplyInit, RpcResult } from "../procedure.ts";
import type { SendableReply, SendableResult } from "../wire.ts";
import { type ReadLimits, readResponse } from "./response.ts";

/** The members that a {@linkcode ReplyInit} may have. */
const REPLY_KEYS = new Set([
  "body",
  "headers",
  "contentType",
  "contentEncoding",
]);

/**
 * A result as a message can hold it; a promise for a `Response`, whose body
 * has to be read first, within these limits.
 *
 * @throws {RpcError} `internal` if JSON can't hold the value.
 */
export function sendable(
  result: RpcResult,
  limits: ReadLimits,
): SendableResult | Promise<SendableReply> {
  if (result === undefined) return undefined;
  if (typeof result === "string") return result;
  if (isBytes(result)) return bytesOf(result);
  if (isReplyInit(result)) return sendableReply(result);
  if (result instanceof Response) return readResponse(result, limits);
  // Nobody reads it: its maker must not go on for ever. It may be read by
  // others already, or fail as it ends.
  if (result instanceof ReadableStream) void settled(result.cancel());
  return jsonReply(result);
}

/**
 * A value as a JSON reply, text included; nothing (undefined) as an empty one.
 *
 * @throws {RpcError} `internal` if JSON can't hold the value.
 */
export function jsonReply(value: unknown): SendableReply | undefined {
  if (value === undefined) return undefined;
  try {
    return { body: encodeJson(value), contentType: JSON_CONTENT_TYPE };
  } catch (cause) {
    const [what] = RpcError.from(cause).message.split("\n");
    throw new RpcError(
      "internal",
      `the procedure returned what JSON can't hold: ${what}`,
      { cause },
    );
  }
}

/** A JSON value that merely has a member `body` is no reply with properties. */
function isReplyInit(result: unknown): result is ReplyInit {
  if (typeof result !== "object" || result === null) return false;
  const reply = result as Record<string, unknown>;
  const { body, headers, contentType, contentEncoding } = reply;
  return (typeof body === "string" || isBytes(body)) &&
    (headers === undefined || typeof headers === "object") &&
    isTextIfAny(contentType) && isTextIfAny(contentEncoding) &&
    Object.keys(result).every((key) => REPLY_KEYS.has(key));
}

function isTextIfAny(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function sendableReply(reply: ReplyInit): SendableReply {
  const { body } = reply;
  const isSendable = typeof body === "string" || body instanceof Uint8Array;
  return isSendable
    ? reply as SendableReply
    : { ...reply, body: bytesOf(body) };
}
