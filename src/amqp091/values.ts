/**
 * Field tables as JavaScript values: what a client reads and writes. (A broker
 * passes on what it gets byte for byte, and has them as table.ts does.)
 *
 * @module
 */
import { AmqpError } from "./errors.ts";
import { Reader } from "./reader.ts";
import { readTable, type Table } from "./table.ts";
import { Writer } from "./writer.ts";

/** A value of a table: text, number, truth, date, bytes, array or table. */
export type Value =
  | string
  | boolean
  | bigint
  | number
  | undefined
  | null
  | object;

/** A table by its keys. */
export type Values = Record<string, Value>;

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Reads a table. Integers of 64 bits are numbers where these are exact.
 *
 * @throws {AmqpError} 502 SYNTAX_ERROR where it is malformed.
 */
export function readValues(reader: Reader): Values {
  const end = endOf(reader);
  const values: Values = {};
  while (reader.position < end) {
    const key = reader.text();
    const value = readValue(reader);
    if (key !== "__proto__") values[key] = value;
    else defineProto(values, value);
  }
  checkEnd(reader, end);
  return values;
}

/** Assigning it would mean something else. It may come more than once. */
function defineProto(values: Values, value: Value): void {
  Object.defineProperty(values, "__proto__", {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

function readArray(reader: Reader): Value[] {
  const end = endOf(reader);
  const values: Value[] = [];
  while (reader.position < end) values.push(readValue(reader));
  checkEnd(reader, end);
  return values;
}

/** Where what follows its own length ends. */
function endOf(reader: Reader): number {
  const size = reader.long();
  if (size > reader.end - reader.position) throw truncated();
  return reader.position + size;
}

function checkEnd(reader: Reader, end: number): void {
  if (reader.position !== end) throw truncated();
}

function truncated(): AmqpError {
  return new AmqpError("SYNTAX_ERROR", "truncated table");
}

function readValue(reader: Reader): Value {
  const tag = String.fromCharCode(reader.octet());
  switch (tag) {
    case "S":
      return reader.longText();
    case "I":
      return reader.long() | 0;
    case "l":
      return exact(reader.view(8).getBigInt64(0));
    case "t":
      return reader.octet() !== 0;
    case "T":
      return new Date(Number(reader.view(8).getBigInt64(0)) * 1000);
    case "F":
      return readValues(reader);
    case "A":
      return readArray(reader);
    case "x":
      return reader.bytesOf(reader.long()).slice();
    case "V":
      return null;
    default:
      return readNumber(tag, reader);
  }
}

/** The kinds of numbers that others send. */
function readNumber(tag: string, reader: Reader): Value {
  switch (tag) {
    case "b":
      return reader.view(1).getInt8(0);
    case "B":
      return reader.octet();
    case "s":
      return reader.view(2).getInt16(0);
    case "u":
      return reader.short();
    case "i":
      return reader.long();
    case "L":
      return exact(reader.view(8).getBigUint64(0));
    case "f":
      return reader.view(4).getFloat32(0);
    case "d":
      return reader.view(8).getFloat64(0);
    case "D":
      return decimal(reader.octet(), reader.long());
    default:
      throw new AmqpError("SYNTAX_ERROR", `unknown type of field: ${tag}`);
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function decimal(scale: number, value: number): number {
  return value / 10 ** scale;
}

/**
 * Writes a table; members that are undefined are null.
 *
 * @throws {TypeError} for a value that no field can hold.
 * @throws {RangeError} for a key that is too long, or an integer that is.
 */
export function writeValues(writer: Writer, values: Values): void {
  const start = writer.reserveLong();
  for (const key in values) {
    writer.text(key);
    writeValue(writer, values[key]);
  }
  writer.setSize(start);
}

function writeValue(writer: Writer, value: Value): void {
  switch (typeof value) {
    case "string":
      return void writer.tag("S").longText(value);
    case "number":
      return writeNumber(writer, value);
    case "boolean":
      return void writer.tag("t").octet(value ? 1 : 0);
    case "bigint":
      if (value < INT64_MIN || value > INT64_MAX) {
        throw new RangeError(`an integer of 64 bits can't hold ${value}`);
      }
      return void writer.tag("l").bigint(value);
    case "undefined":
      return void writer.tag("V");
    case "object":
      return writeObject(writer, value);
    default:
      throw new TypeError(`no field can hold a ${typeof value}`);
  }
}

function writeNumber(writer: Writer, value: number): void {
  if (!Number.isSafeInteger(value)) return void writer.tag("d").double(value);
  const isShort = value >= INT32_MIN && value <= INT32_MAX;
  if (isShort) return void writer.tag("I").long(value);
  writer.tag("l").longlong(value);
}

function writeObject(writer: Writer, value: object | null): void {
  if (value === null) return void writer.tag("V");
  if (Array.isArray(value)) {
    const start = writer.tag("A").reserveLong();
    for (const element of value) writeValue(writer, element);
    return writer.setSize(start);
  }
  if (value instanceof Date) {
    const seconds = Math.floor(value.getTime() / 1000);
    return void writer.tag("T").longlong(seconds);
  }
  const bytes = bytesIn(value);
  if (bytes === undefined) return writeValues(writer.tag("F"), value as Values);
  writer.tag("x").long(bytes.length).raw(bytes);
}

function bytesIn(value: object): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  const isBuffer = value instanceof ArrayBuffer ||
    value instanceof SharedArrayBuffer;
  return isBuffer ? new Uint8Array(value) : undefined;
}

/** The fields of a table, as methods have them. */
export function tableOf(values: Values): Table {
  const writer = new Writer();
  writeValues(writer, values);
  return readTable(new Reader(writer.take()));
}
