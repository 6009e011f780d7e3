/**
 * The kinds of fields that methods consist of.
 *
 * @module
 */
import type { Table } from "./table.ts";

/** The JavaScript type of each kind of field. Strings are byte strings. */
export interface Kinds {
  octet: number;
  short: number;
  long: number;
  /** Exact up to 2^53, which no counter here reaches. */
  longlong: number;
  /** Up to 255 bytes. */
  shortstr: string;
  /** Up to 255 bytes of UTF-8. Clients, which alone send it, write text. */
  name: string;
  longstr: string;
  /** Consecutive bits share an octet. */
  bit: boolean;
  table: Table;
}

/** The kind of a field. */
export type Kind = keyof Kinds;

/**
 * Fields in the order of the wire. Those whose names begin with `_` are
 * reserved: they are not arguments, and are sent as 0 or empty.
 */
export type Fields = Readonly<Record<string, Kind>>;

/** A method's id and fields. */
export interface Method<F extends Fields = Fields> {
  /** Class and method in one number, as in a frame. */
  readonly id: number;
  readonly fields: F;
}

/** Defines a method. */
export function method<const F extends Fields>(
  classId: number,
  id: number,
  fields: F,
): Method<F> {
  return { id: methodId(classId, id), fields };
}

/** Class and method in one number, as in a frame. */
export function methodId(classId: number, method: number): number {
  return classId * 0x10000 + method;
}
