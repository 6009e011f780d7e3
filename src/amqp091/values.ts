/**
 * Field tables as JavaScript values, for clients. A broker passes tables on
 * byte for byte, and uses table.ts instead.
 *
 * @module
 */
import { ByteWriter } from "./byte_writer.ts";
import { AmqpError } from "./errors.ts";
import { Reader } from "./reader.ts";
import { readTable, type Table } from "./table.ts";

/** A value: text, number, boolean, null, date, bytes, array or table. */
export type Value =
  | string
  | boolean
  | bigint
  | number
  | undefined
  | null
  | object;

/** A table as an object. */
export type Values = Record<string, Value>;

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Reads a table. A 64-bit integer that no number holds exactly is a bigint.
 *
 * @throws {AmqpError} 502 SYNTAX_ERROR if it is malformed.
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

/** Assigning it would set the prototype. The key may occur more than once. */
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

/** Reads a length; returns the position where the content after it ends. */
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

/** The types of numbers that only other clients send. */
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
 * Writes a table; undefined is written as null.
 *
 * @throws {TypeError} for a value that no type of field can hold.
 * @throws {RangeError} for a key or an integer that is too long.
 */
export function writeValues(writer: ByteWriter, values: Values): void {
  const start = writer.reserveLong();
  for (const key in values) {
    writer.text(key);
    writeValue(writer, values[key]);
  }
  writer.setSize(start);
}

function writeValue(writer: ByteWriter, value: Value): void {
  switch (typeof value) {
    case "string":
      return void writer.tag("S").longText(value);
    case "number":
      return writeNumber(writer, value);
    case "boolean":
      return void writer.tag("t").octet(value ? 1 : 0);
    case "bigint":
      if (value < INT64_MIN || value > INT64_MAX) {
        throw new RangeError(`a 64-bit integer can't hold ${value}`);
      }
      return void writer.tag("l").bigint(value);
    case "undefined":
      return void writer.tag("V");
    case "object":
      return writeObject(writer, value);
    default:
      throw new TypeError(`a field table can't hold a ${typeof value}`);
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value)) return void writer.tag("d").double(value);
  const isShort = value >= INT32_MIN && value <= INT32_MAX;
  if (isShort) return void writer.tag("I").long(value);
  writer.tag("l").longlong(value);
}

function writeObject(writer: ByteWriter, value: object | null): void {
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

/** A table, as the arguments of methods contain it. */
export function tableOf(values: Values): Table {
  const writer = new ByteWriter();
  writeValues(writer, values);
  return readTable(new Reader(writer.take()));
}
