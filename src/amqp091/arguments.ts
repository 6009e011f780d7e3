/**
 * Reads and writes the arguments of methods, as the table of methods defines
 * them.
 *
 * @module
 */
import { AmqpError } from "./errors.ts";
import type { Kind } from "./kinds.ts";
import {
  type Arguments,
  BROKER_METHODS,
  type BrokerMethod,
  CLIENT_METHODS,
  type ClientMethod,
  type MethodName,
  METHODS,
  SHARED_METHODS,
} from "./methods.ts";
import type { Reader } from "./reader.ts";
import { readTable, type Table } from "./table.ts";
import type { Writer } from "./writer.ts";

/** How to read and write a field of a method. */
interface Step {
  readonly name: string;
  readonly kind: Kind;
  /** Whether the field is reserved, and so is not an argument. */
  readonly reserved: boolean;
  /** The position in an octet that bits share; 0 begins a new octet. */
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

/** A function that finds the name of a method by its id. */
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
 * The name of a method that a client sent.
 *
 * @throws {AmqpError} 540 NOT_IMPLEMENTED if clients do not send such a method.
 */
export const clientMethod: (id: number) => ClientMethod = byId({
  ...CLIENT_METHODS,
  ...SHARED_METHODS,
});

/**
 * The name of a method that a broker sent.
 *
 * @throws {AmqpError} 540 NOT_IMPLEMENTED if brokers do not send such a method.
 */
export const brokerMethod: (id: number) => BrokerMethod = byId({
  ...BROKER_METHODS,
  ...SHARED_METHODS,
});

/**
 * Reads the arguments of a method.
 *
 * @throws {AmqpError} 502 SYNTAX_ERROR if they are malformed.
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

/** The value of reserved fields and of arguments left out. */
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

/** Writes a method frame; arguments left out are 0, false or empty. */
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
