/**
 * What a long-running child reads and writes: an object of JSON a line.
 *
 * A request is `{"id", "type", "headers", "body" | "body_base64",
 * "timeout_ms"}`, with `content_type`, `content_encoding`, `priority`,
 * `user_id`, `app_id` and `timestamp` where it has them; an answer
 * `{"id", "body" | "body_base64"}` or `{"id", "error": {"code", "detail"}}`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { isRpcCode, RpcError } from "../../rpc/errors.ts";
import { base64Bytes, jsonBody } from "../../rpc/json.ts";
import type { RpcRequest } from "../../rpc/messages.ts";
import type { Line } from "./lines.ts";

/** The most that JSON makes of a byte: `\u0000`. */
const JSON_BYTES_A_BYTE = 6;
/** For all of an answer that is not its body. */
const ANSWER_BYTES = 64 * 1024;

const encoder = new TextEncoder();

/** How long the line of an answer may be whose body has so many bytes. */
export function maxAnswerBytes(maxBodyBytes: number): number {
  return maxBodyBytes * JSON_BYTES_A_BYTE + ANSWER_BYTES;
}

/**
 * The line of a request. In its headers a time is text (ISO 8601), bytes are
 * base64, and a number beyond 2^53 is text.
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

/** JSON leaves out those that are undefined. */
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

/** Header values that JSON lacks. */
function jsonValue(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** An answer: its id, and the rest as it came. */
export interface AnswerLine {
  readonly id: string;
  readonly body?: unknown;
  readonly body_base64?: unknown;
  readonly error?: unknown;
}

/** What is wrong with a line, and the id of its request where that is known. */
export interface BadLine {
  readonly id?: string;
  readonly why: string;
}

/** Where it stands at the beginning, as it nearly always does. */
const LEADING_ID = /^\s{0,9}\{\s{0,9}"id"\s{0,9}:\s{0,9}"?(\d{1,15})\b/;
const BYTE_ORDER_MARK = "\ufeff";

/** A line as an answer, or why it is none. Some write ids as numbers. */
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
 * @throws {RpcError} the error in it, or `internal` where there is neither.
 */
export function answerResult(
  { body, body_base64, error }: AnswerLine,
  name: string,
): Uint8Array {
  const given = [body, body_base64, error].filter((it) => it !== undefined);
  if (given.length !== 1) {
    throw new InvalidAnswer(
      name,
      "it must have one of body, body_base64 and error",
    );
  }
  if (typeof body === "string") return encoder.encode(body);
  const bytes = base64Bytes(body_base64);
  if (bytes !== undefined) return bytes;
  if (error === undefined) {
    throw new InvalidAnswer(name, "its body is not text, or not base64");
  }
  const { code, detail } = Object(error);
  throw new RpcError(
    isRpcCode(code) ? code : "unknown",
    typeof detail === "string" ? detail : `"${name}" gave no detail`,
  );
}

/** An answer that is none, which its child's author should know of. */
export class InvalidAnswer extends RpcError {
  /** What is wrong with it. */
  readonly why: string;

  /** `name` is that of the command. */
  constructor(name: string, why: string) {
    super("internal", `"${name}" wrote an invalid answer: ${why}`);
    this.why = why;
  }
}
