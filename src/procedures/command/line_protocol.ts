/**
 * The protocol between the server and a long-running child: a JSON object per
 * line.
 *
 * A request is `{"id", "type", "headers", "body" | "body_base64",
 * "timeout_ms", "deadline"}`, with `content_type`, `content_encoding`, `priority`,
 * `user_id`, `app_id` and `timestamp` if it has them. An answer is
 * `{"id", "body" | "body_base64"}` or `{"id", "error": {"code", "detail"}}`; or
 * it is a stream: lines `{"id", "item" | "item_base64"}`, and at its end
 * `{"id", "end": true}` or an error. An item that is a string is text, any other
 * is sent as JSON. Before all that, there may be lines `{"id", "progress"}`.
 * Where a stream is not wanted any more, the child gets `{"id", "cancel": true}`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { epochNowMs } from "../../async/clock.ts";
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

/** The line that ends a stream which has begun. */
export function encodeCancelLine(id: string): Uint8Array {
  return encoder.encode(`${JSON.stringify({ id, cancel: true })}\n`);
}

/**
 * The line of a request; without a deadline, which streams need not have, there
 * are no `timeout_ms` and `deadline` (in ms since the epoch). In its headers, times become ISO 8601 strings, bytes
 * become base64, and numbers beyond 2^53 become strings.
 */
export function encodeRequestLine(
  id: string,
  request: RpcRequest,
  deadlineMs: number,
): Uint8Array {
  const { type, headers, bytes } = request;
  const line = JSON.stringify({
    id,
    type,
    headers,
    ...jsonBody(bytes),
    ...(deadlineMs < Infinity && {
      timeout_ms: Math.max(Math.round(deadlineMs - epochNowMs()), 0),
      deadline: Math.floor(deadlineMs),
    }),
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
  readonly item?: unknown;
  readonly item_base64?: unknown;
  readonly end?: unknown;
  readonly progress?: unknown;
}

/** What an answer may have, each alone. */
const PARTS = [
  "body",
  "body_base64",
  "item",
  "item_base64",
  "end",
  "progress",
  "error",
] as const;

/** What one line tells of an answer. */
export type AnswerPart =
  | { readonly body: Uint8Array }
  | { readonly item: unknown }
  | { readonly end: true }
  | { readonly progress: unknown };

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
 * What an answer of the command `name` tells.
 *
 * @throws {RpcError} the error in the answer.
 * @throws {InvalidAnswer} if it does not tell one thing.
 */
export function answerPart(answer: AnswerLine, name: string): AnswerPart {
  const given = PARTS.filter((part) => answer[part] !== undefined);
  const [part] = given;
  if (part === undefined || given.length !== 1) {
    const parts = PARTS.slice(0, -1).join(", ");
    throw new InvalidAnswer(
      name,
      `it must have exactly one of ${parts} and ${PARTS.at(-1)}`,
    );
  }
  switch (part) {
    case "body":
      if (typeof answer.body !== "string") break;
      return { body: encoder.encode(answer.body) };
    case "body_base64":
    case "item_base64": {
      const bytes = parseBase64(answer[part]);
      if (bytes === undefined) break;
      return part === "item_base64" ? { item: bytes } : { body: bytes };
    }
    case "item":
      return { item: answer.item };
    case "end":
      if (answer.end === true) return { end: true };
      throw new InvalidAnswer(name, "its end is not true");
    case "progress":
      return { progress: answer.progress };
    case "error":
      throw errorIn(answer, name);
  }
  const what = part === "item_base64" ? "item" : "body";
  throw new InvalidAnswer(name, `its ${what} is not a string, or not base64`);
}

function errorIn({ error }: AnswerLine, name: string): RpcError {
  const { code, detail } = Object(error);
  return new RpcError(
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
