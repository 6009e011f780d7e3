/**
 * One value that a procedure gave, as a message can hold it: a whole result, or
 * an item of a stream.
 *
 * @module
 */
import { bytesOf, isBytes } from "../bytes.ts";
import { RpcError } from "../errors.ts";
import { encodeJson, JSON_CONTENT_TYPE } from "../json.ts";
import type { ReplyInit } from "../procedure.ts";
import type { SendableReply, SendableResult } from "../wire.ts";

/** The members that a {@linkcode ReplyInit} may have. */
const REPLY_KEYS = new Set([
  "body",
  "headers",
  "contentType",
  "contentEncoding",
]);

/**
 * A value as a message can hold it.
 *
 * @throws {RpcError} `internal` if JSON can't hold the value.
 */
export function sendableValue(value: unknown): SendableResult {
  if (value === undefined) return undefined;
  if (typeof value === "string") return value;
  if (isBytes(value)) return bytesOf(value);
  if (isReplyInit(value)) return sendableReply(value);
  return jsonReply(value);
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
