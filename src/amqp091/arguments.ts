/**
 * The arguments of methods as bytes, in both directions, as the table of
 * methods has them.
 *
 * @module
 */
import { AmqpError } from "./errors.ts";
import {
  type Arguments,
  BROKER_METHODS,
  type BrokerMethod,
  CLIENT_METHODS,
  type ClientMethod,
  type Kind,
  type MethodName,
  METHODS,
  SHARED_METHODS,
} from "./methods.ts";
import type { Reader } from "./reader.ts";
import { readTable, type Table } from "./table.ts";
import type { Writer } from "./writer.ts";

/** A field of a method, ready to be read and written. */
interface Step {
  readonly name: string;
  readonly kind: Kind;
  /** Whether it is no argument. */
  readonly reserved: boolean;
  /** Its place in an octet that bits share; 0 begins another one. */
  readonly bit: number;
}

const STEPS: ReadonlyMap<MethodName, readonly Step[]> = new Map(
  Object.entries(METHODS).map(([name, { fields }]) => [
    name as MethodName,
    stepsOf(Object.entries(fields)),
  ]),
);

function stepsOf(fields: readonly [string, Kind][]): Step[] {
  let bits = 0;
  return fields.map(([name, kind]) => {
    const bit = kind === "bit" ? bits++ : bits = 0;
    return { name, kind, reserved: name.startsWith("_"), bit };
  });
}

/** The method that an id in a frame stands for, of those that may come. */
function byId<N extends MethodName>(
  methods: Readonly<Record<N, { readonly id: number }>>,
): (id: number) => N {
  const names = new Map<number, N>();
  for (const name in methods) names.set(methods[name].id, name);
  return (id) => {
    const name = names.get(id);
    if (name !== undefined) return name;
    throw new AmqpError(
      "NOT_IMPLEMENTED",
      `unknown method, class ${id >>> 16}, method ${id & 0xffff}`,
    );
  };
}

/**
 * The method with this id that a client sent.
 *
 * @throws {AmqpError} 540 NOT_IMPLEMENTED where clients send none such.
 */
export const clientMethod: (id: number) => ClientMethod = byId({
  ...CLIENT_METHODS,
  ...SHARED_METHODS,
});

/**
 * The method with this id that a broker sent.
 *
 * @throws {AmqpError} 540 NOT_IMPLEMENTED where brokers send none such.
 */
export const brokerMethod: (id: number) => BrokerMethod = byId({
  ...BROKER_METHODS,
  ...SHARED_METHODS,
});

/**
 * Reads the arguments of a method.
 *
 * @throws {AmqpError} 502 SYNTAX_ERROR where they are malformed.
 */
export function readArguments<N extends MethodName>(
  name: N,
  reader: Reader,
): Arguments<N> {
  const args: Record<string, unknown> = {};
  let octet = 0;
  for (const { name: field, kind, reserved, bit } of STEPS.get(name)!) {
    let value: unknown;
    if (kind === "bit") {
      if (bit === 0) octet = reader.octet();
      value = (octet >> bit & 1) === 1;
    } else value = kind === "table" ? readTable(reader) : reader[kind]();
    if (!reserved) args[field] = value;
  }
  reader.finish();
  return args as Arguments<N>;
}

/** What a reserved field is, and an argument that is not given. */
const NOTHING: { readonly [K in Kind]: unknown } = {
  octet: 0,
  short: 0,
  long: 0,
  longlong: 0,
  shortstr: "",
  name: "",
  longstr: "",
  bit: false,
  table: [],
};

/** Writes a frame with a method; what is left out is 0, false or empty. */
export function writeMethod<N extends MethodName>(
  writer: Writer,
  channel: number,
  name: N,
  args: Partial<Arguments<N>> = {},
): void {
  const given = args as Record<string, unknown>;
  const steps = STEPS.get(name)!;
  writer.method(channel, METHODS[name].id);
  let octet = 0;
  steps.forEach(({ name: field, kind, bit }, at) => {
    const value = given[field] ?? NOTHING[kind];
    if (kind !== "bit") return writeValue(writer, kind, value);
    if (value) octet |= 1 << bit;
    if (steps[at + 1]?.bit) return;
    writer.octet(octet);
    octet = 0;
  });
  writer.end();
}

function writeValue(
  writer: Writer,
  kind: Exclude<Kind, "bit">,
  value: unknown,
): void {
  switch (kind) {
    case "table":
      return void writer.table(value as Table);
    case "name":
      return void writer.text(value as string);
    case "shortstr":
    case "longstr":
      return void writer[kind](value as string);
    default:
      return void writer[kind](value as number);
  }
}
