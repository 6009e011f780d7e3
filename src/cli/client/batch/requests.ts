/**
 * Reads the requests of a batch: each record of the input is a body, or a JSON
 * object with a body.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { RpcError } from "../../../rpc/errors.ts";
import { parseBase64 } from "../../../rpc/json.ts";
import type { Request } from "../caller.ts";
import { rawJSON } from "../raw_json.ts";
import { jsonError } from "./json_error.ts";
import {
  checkText,
  isObject,
  MAX_NAME_BYTES,
  parseHeaders,
} from "./headers.ts";

/** A request, with the record of the input that it came from. */
export interface BatchRequest extends Request {
  /** Counted from 1. */
  readonly line: number;
  /** The input, without its separator. */
  readonly record: Uint8Array;
  /** Why it can't be sent. */
  readonly invalid?: RpcError;
}

const NEWLINE = 10;
const NUL = 0;

/** The format of the input. */
export interface InputFormat {
  /** Whether each record is a JSON object, or else the body itself. */
  readonly ndjson: boolean;
  /** The byte that ends a record. */
  readonly separator: number;
  /** The word for a record in messages: `line`, or `record` with NUL. */
  readonly unit: string;
}

/** The format that the flags ask for. */
export function inputFormat(
  flags: { null?: boolean; input?: string },
): InputFormat {
  return {
    ndjson: flags.input === "ndjson",
    separator: flags.null ? NUL : NEWLINE,
    unit: flags.null ? "record" : "line",
  };
}

const KEYS = new Set(["id", "body", "body_base64", "headers", "type"]);
const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads the records of one input, and numbers them. */
export class RequestReader {
  readonly #format: InputFormat;
  #line = 0;

  /** Starts at line 1. */
  constructor(format: InputFormat) {
    this.#format = format;
  }

  /** The next record as a request; undefined for an empty line of ndjson. */
  read(record: Uint8Array): BatchRequest | undefined {
    const line = ++this.#line;
    if (!this.#format.ndjson) return { id: line, line, record, body: record };
    let id: string | number = line;
    try {
      const text = decode(record);
      if (text.trim() === "") return undefined;
      const fields = parseObject(text);
      // Before the rest, so that a line with a mistake is known by its id.
      id = parseId(fields.id) ?? line;
      return { id, ...parseFields(fields, text), line, record };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const where = `${this.#format.unit} ${line} of stdin`;
      const invalid = new RpcError(
        "invalid_argument",
        `${where} ${error.message}; it was not sent`,
      );
      return { id, line, record, body: NO_BYTES, invalid };
    }
  }
}

function decode(record: Uint8Array): string {
  try {
    return utf8.decode(record);
  } catch {
    throw new SyntaxError("is not UTF-8");
  }
}

/** @throws {SyntaxError} whose message follows `line 37 of stdin`. */
function parseFields(
  fields: Record<string, unknown>,
  text: string,
): Pick<Request, "body" | "own"> {
  for (const key of Object.keys(fields)) {
    if (KEYS.has(key)) continue;
    const known = [...KEYS].join(", ");
    throw new SyntaxError(
      `has an unknown key ${JSON.stringify(key)} (known: ${known})`,
    );
  }
  const { headers, type } = fields;
  const body = parseBody(fields, text);
  if (headers === undefined && type === undefined) return { body };
  const own = { headers: parseHeaders(headers, text), type: parseType(type) };
  return { body, own };
}

function parseObject(text: string): Record<string, unknown> {
  const value = parseJson(text);
  if (isObject(value)) return value;
  throw new SyntaxError('is not a JSON object such as {"id": 1, "body": "30"}');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SyntaxError(`is not JSON (${jsonError(text)})`);
  }
}

/** A fraction may be rounded: it is unlikely to be a number of a request. */
function isExact(id: number): boolean {
  return Number.isSafeInteger(id) ||
    (Number.isFinite(id) && !Number.isInteger(id));
}

function parseId(id: unknown): string | number | undefined {
  if (typeof id === "number" && !isExact(id)) {
    throw new SyntaxError(
      'has an "id" that is too large for a number: make it a string',
    );
  }
  if (["string", "number", "undefined"].includes(typeof id)) {
    return id as string | number | undefined;
  }
  throw new SyntaxError('has an "id" that is neither a string nor a number');
}

/** A string is sent unquoted, any other value as JSON. */
function parseBody(
  { body, body_base64: base64 }: Record<string, unknown>,
  text: string,
): Uint8Array {
  if ((body === undefined) === (base64 === undefined)) {
    throw new SyntaxError('must have either "body" or "body_base64"');
  }
  if (typeof body === "string") {
    checkText('a "body"', body);
    return encoder.encode(body);
  }
  if (base64 === undefined) return encoder.encode(bodyJson(text));
  const bytes = parseBase64(base64);
  if (bytes !== undefined) return bytes;
  throw new SyntaxError('has a "body_base64" that is not base64');
}

/** The body of a line, with all digits of its numbers, such as 64-bit ids. */
function bodyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text, keepNumber).body);
  } catch {
    throw new SyntaxError('has a "body" that is nested too deeply');
  }
}

function keepNumber(
  _key: string,
  value: unknown,
  context?: { source: string },
): unknown {
  return typeof value === "number" ? rawJSON(context!.source) : value;
}

function parseType(type: unknown): string | undefined {
  if (type === undefined) return undefined;
  if (typeof type === "string" && Buffer.byteLength(type) <= MAX_NAME_BYTES) {
    checkText('a "type"', type);
    return type;
  }
  throw new SyntaxError('has a "type" that is not a string of up to 255 bytes');
}
