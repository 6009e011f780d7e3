/**
 * The protocol between the server and a long-running child: a JSON object per
 * line.
 *
 * A request is `{"id", "type", "headers", "body" | "body_base64",
 * "timeout_ms"}`, with `content_type`, `content_encoding`, `priority`,
 * `user_id`, `app_id` and `timestamp` if it has them. An answer is
 * `{"id", "body" | "body_base64"}` or `{"id", "error": {"code", "detail"}}`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { isRpcCode, RpcError } from "../../rpc/errors.ts";
import { jsonBody, parseBase64 } from "../../rpc/json.ts";
import type { RpcRequest } from "../../rpc/messages.ts";
import type { Line } from "./lines.ts";

/** The longest form of a byte in JSON: `\u0000`. */
const JSON_BYTES_A_BYTE = 6;
/** Room for everything in an answer but its body. */
const ANSWER_BYTES = 64 * 1024;

const encoder = new TextEncoder();

/** The longest line of an answer whose body has so many bytes. */
export function maxAnswerBytes(maxBodyBytes: number): number {
  return maxBodyBytes * JSON_BYTES_A_BYTE + ANSWER_BYTES;
}

/**
 * The line of a request. In its headers, times become ISO 8601 strings, bytes
 * become base64, and numbers beyond 2^53 become strings.
 */
export function encodeRequestLine(
  id: string,
  request: RpcRequest,
  timeoutMs: number,
): Uint8Array {
  const { type, headers, bytes } = request;
  const line = JSON.stringify({
    id,
    type,
    headers,
    ...jsonBody(bytes),
    timeout_ms: Math.max(Math.round(timeoutMs), 0),
    ...properties(request),
  }, jsonValue);
  return encoder.encode(`${line}\n`);
}

/** Undefined ones are left out by JSON. */
function properties(request: RpcRequest): Record<string, unknown> {
  return {
    content_type: request.contentType,
    content_encoding: request.contentEncoding,
    priority: request.priority,
    user_id: request.userId,
    app_id: request.appId,
    timestamp: request.timestamp,
  };
}

/** Converts header values that JSON does not have. */
function jsonValue(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** An answer: its id, and the rest unchecked. */
export interface AnswerLine {
  readonly id: string;
  readonly body?: unknown;
  readonly body_base64?: unknown;
  readonly error?: unknown;
}

/** An invalid line: why, and the id of its request if that is known. */
export interface BadLine {
  readonly id?: string;
  readonly why: string;
}

/** An id at the beginning of a line, where it usually is. */
const LEADING_ID = /^\s{0,9}\{\s{0,9}"id"\s{0,9}:\s{0,9}"?(\d{1,15})\b/;
const BYTE_ORDER_MARK = "\ufeff";

/** Parses a line. Ids may be numbers: some languages write them so. */
export function parseAnswerLine(
  { text, malformed }: Line,
): AnswerLine | BadLine {
  const line = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  let answer;
  try {
    answer = JSON.parse(line);
  } catch {
    return { id: LEADING_ID.exec(line)?.[1], why: "it is not JSON" };
  }
  const id = Number.isSafeInteger(answer?.id) ? String(answer.id) : answer?.id;
  if (typeof id !== "string") return { why: "it has no id" };
  if (malformed) return { id, why: "it is not UTF-8" };
  return { ...answer, id };
}

/**
 * The result in an answer of the command `name`.
 *
 * @throws {RpcError} the error in the answer.
 * @throws {InvalidAnswer} if there is neither a result nor an error.
 */
export function answerResult(
  { body, body_base64, error }: AnswerLine,
  name: string,
): Uint8Array {
  const given = [body, body_base64, error].filter((it) => it !== undefined);
  if (given.length !== 1) {
    throw new InvalidAnswer(
      name,
      "it must have exactly one of body, body_base64 and error",
    );
  }
  if (typeof body === "string") return encoder.encode(body);
  const bytes = parseBase64(body_base64);
  if (bytes !== undefined) return bytes;
  if (error === undefined) {
    throw new InvalidAnswer(name, "its body is not a string, or not base64");
  }
  const { code, detail } = Object(error);
  throw new RpcError(
    isRpcCode(code) ? code : "unknown",
    typeof detail === "string" ? detail : `"${name}" gave no detail`,
  );
}

/** An invalid answer, which the author of the command should hear about. */
export class InvalidAnswer extends RpcError {
  /** What is wrong with the answer. */
  readonly why: string;

  /** `name` is the name of the command. */
  constructor(name: string, why: string) {
    super("internal", `"${name}" gave an invalid answer: ${why}`);
    this.why = why;
  }
}
