/**
 * Field tables. A field keeps its type tag and its raw bytes: fields are passed
 * on unchanged, and decoded only where their value matters.
 */
import { AmqpError } from "./errors.ts";
import { byteString, decodeText, Reader, toBytes } from "./reader.ts";

/** A value in a table: its tag ("S", "I", "F", ...) and the bytes after it. */
export interface Field {
  readonly tag: string;
  readonly bytes: Uint8Array;
}

/** The entries of a table, in the order they were sent. */
export type Table = readonly (readonly [key: string, field: Field])[];

/** By tag: the type's name in RabbitMQ's reply texts, and its size or -1. */
const TYPES: Readonly<Record<string, { name: string; size: number }>> = {
  t: { name: "bool", size: 1 },
  b: { name: "byte", size: 1 },
  B: { name: "unsignedbyte", size: 1 },
  s: { name: "short", size: 2 },
  u: { name: "unsignedshort", size: 2 },
  I: { name: "signedint", size: 4 },
  i: { name: "unsignedint", size: 4 },
  l: { name: "long", size: 8 },
  f: { name: "float", size: 4 },
  d: { name: "double", size: 8 },
  D: { name: "decimal", size: 5 },
  T: { name: "timestamp", size: 8 },
  V: { name: "void", size: 0 },
  S: { name: "longstr", size: -1 },
  x: { name: "binary", size: -1 },
  F: { name: "table", size: -1 },
  A: { name: "array", size: -1 },
};

/** The name of the field's type in RabbitMQ's reply texts, e.g. "signedint". */
export function typeName(field: Field): string {
  return TYPES[field.tag].name;
}

/**
 * Skips one value and checks everything nested in it. It does not recurse,
 * since a frame can hold more levels than the call stack.
 *
 * @returns the tag of the value.
 */
function skipField(reader: Reader): string {
  const tag = readTag(reader);
  const outerEnd = reader.end;
  const nested = skipValue(reader, tag);
  if (nested === undefined) return tag;
  const levels = [nested];
  for (let level = levels.pop(); level !== undefined; level = levels.pop()) {
    reader.end = level.end;
    if (reader.position === level.end) continue;
    levels.push(level);
    if (level.tag === "F") reader.skip(reader.octet());
    const deeper = skipValue(reader, readTag(reader));
    if (deeper !== undefined) levels.push(deeper);
  }
  reader.end = outerEnd;
  return tag;
}

function readTag(reader: Reader): string {
  const tag = String.fromCharCode(reader.octet());
  if (TYPES[tag] !== undefined) return tag;
  throw new AmqpError("SYNTAX_ERROR", "unknown field type in a table");
}

/** Skips a value, or moves to the first of the values nested in it. */
function skipValue(
  reader: Reader,
  tag: string,
): { tag: string; end: number } | undefined {
  const { size } = TYPES[tag];
  if (size >= 0) {
    reader.skip(size);
    return undefined;
  }
  const length = reader.long();
  const start = reader.skip(length);
  if (tag !== "F" && tag !== "A") return undefined;
  reader.position = start;
  return { tag, end: start + length };
}

function readFields(reader: Reader, named: boolean): [string, Field][] {
  const size = reader.long();
  const end = reader.skip(size) + size;
  const inner = new Reader(reader.bytes, end - size, end);
  const fields: [string, Field][] = [];
  while (inner.position < end) {
    const key = named ? inner.shortstr() : "";
    const start = inner.position + 1;
    const tag = skipField(inner);
    // A copy, since the frame's buffer is reused for the next read.
    fields.push([key, {
      tag,
      bytes: inner.bytes.slice(start, inner.position),
    }]);
  }
  return fields;
}

/** Reads a table and checks everything nested in it. */
export function readTable(reader: Reader): Table {
  return readFields(reader, true);
}

/** Checks a table without keeping it; calls `onKey` with each key's bytes. */
export function skipTable(
  reader: Reader,
  onKey: (bytes: Uint8Array, start: number, end: number) => void,
): void {
  const size = reader.long();
  const end = reader.skip(size) + size;
  const outerEnd = reader.end;
  reader.position = end - size;
  reader.end = end;
  while (reader.position < end) {
    const length = reader.octet();
    const start = reader.skip(length);
    onKey(reader.bytes, start, start + length);
    skipField(reader);
  }
  reader.end = outerEnd;
}

/** The first field with this name. */
export function lookup(table: Table, key: string): Field | undefined {
  for (const entry of table) {
    if (entry[0] === key) return entry[1];
  }
  return undefined;
}

/** A copy of the table with the field set; an existing one keeps its place. */
export function withField(table: Table, key: string, field: Field): Table {
  const at = table.findIndex(([k]) => k === key);
  return at < 0 ? [...table, [key, field]] : table.with(at, [key, field]);
}

/** The fields sorted by name; of a repeated name only the first is kept. */
export function ordered(table: Table): Table {
  const byName = new Map(table.toReversed());
  return [...byName].sort(([a], [b]) => a < b ? -1 : 1);
}

/** The text of a string field, as a byte string. */
export function asString(field: Field | undefined): string | undefined {
  return field?.tag === "S" ? byteString(field.bytes, 4) : undefined;
}

/** The text of a string field; bytes that are not UTF-8 become U+FFFD. */
export function asText(field: Field | undefined): string | undefined {
  const bytes = asString(field);
  return bytes === undefined ? undefined : decodeText(bytes);
}

/** The value of a boolean field. */
export function asBoolean(field: Field | undefined): boolean | undefined {
  return field?.tag === "t" ? field.bytes[0] !== 0 : undefined;
}

/** The entries of a table field. */
export function asTable(field: Field | undefined): Table | undefined {
  return field?.tag === "F" ? readTable(new Reader(field.bytes)) : undefined;
}

/** The values of an array field. */
export function asArray(field: Field | undefined): Field[] | undefined {
  if (field?.tag !== "A") return undefined;
  return readFields(new Reader(field.bytes), false).map(([, value]) => value);
}

/** The value of a field of any integer type. */
export function asInteger(field: Field | undefined): bigint | undefined {
  if (field === undefined) return undefined;
  const view = new DataView(field.bytes.buffer, field.bytes.byteOffset);
  switch (field.tag) {
    case "b":
      return BigInt(view.getInt8(0));
    case "B":
      return BigInt(view.getUint8(0));
    case "s":
      return BigInt(view.getInt16(0));
    case "u":
      return BigInt(view.getUint16(0));
    case "I":
      return BigInt(view.getInt32(0));
    case "i":
      return BigInt(view.getUint32(0));
    case "l":
      return view.getBigInt64(0);
    default:
      return undefined;
  }
}

/** The value of a field of any floating-point type. */
export function asFloat(field: Field): number | undefined {
  const view = new DataView(field.bytes.buffer, field.bytes.byteOffset);
  if (field.tag === "f") return view.getFloat32(0);
  if (field.tag === "d") return view.getFloat64(0);
  return undefined;
}

function number32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function withSize(parts: Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(4 + size);
  bytes.set(number32(size));
  let at = 4;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A string field. */
export function stringField(text: string): Field {
  return { tag: "S", bytes: withSize([toBytes(text)]) };
}

/** A boolean field. */
export function booleanField(value: boolean): Field {
  return { tag: "t", bytes: Uint8Array.of(value ? 1 : 0) };
}

/** A 64-bit field: a number ("l") or a time in seconds ("T"). */
export function longField(tag: "l" | "T", value: bigint): Field {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value);
  return { tag, bytes };
}

/** An array field. */
export function arrayField(values: readonly Field[]): Field {
  return {
    tag: "A",
    bytes: withSize(values.flatMap((v) => [toBytes(v.tag), v.bytes])),
  };
}

/** A table field; its bytes are also the encoding of a table in a method. */
export function tableField(table: Table): Field {
  const parts = table.flatMap(([key, field]) => [
    toBytes(String.fromCharCode(key.length) + key + field.tag),
    field.bytes,
  ]);
  return { tag: "F", bytes: withSize(parts) };
}
