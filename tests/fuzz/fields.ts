// Header tables with fields of every type, as the bytes that travel.

import fc from "fast-check";
import { byteString } from "../../src/amqp091/reader.ts";
import {
  arrayField,
  type Field,
  stringField,
  type Table,
  tableField,
} from "../../src/amqp091/table.ts";

/** Types of a fixed size, with that; RabbitMQ takes these and those below. */
const FIXED_SIZES: Record<string, number> = {
  t: 1,
  b: 1,
  B: 1,
  s: 2,
  u: 2,
  I: 4,
  i: 4,
  l: 8,
  f: 4,
  d: 8,
  D: 5,
  T: 8,
  V: 0,
};

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length });

/** RabbitMQ ends connections that send what is not finite. */
function isFinite({ tag, bytes }: Field): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (tag === "f") return Number.isFinite(view.getFloat32(0));
  if (tag === "d") return Number.isFinite(view.getFloat64(0));
  return true;
}

/** A value with anything in it that is not itself a value. */
const scalar: fc.Arbitrary<Field> = fc.oneof(
  ...Object.entries(FIXED_SIZES).map(([tag, size]) =>
    bytes(size).map((content) => ({ tag, bytes: content })).filter(isFinite)
  ),
  fc.constantFrom("S", "x").chain((tag) =>
    fc.uint8Array({ maxLength: 30 }).map((content) => ({
      ...stringField(byteString(content)),
      tag,
    }))
  ),
);

/** RabbitMQ routes by these, and closes channels where they are no arrays. */
const COPY_HEADERS = ["CC", "BCC"];

/** Names that mean something to JavaScript, or nothing at all. */
const name = fc.oneof(
  fc.constantFrom("", "__proto__", "constructor", "toString", "traceparent"),
  fc.string({ maxLength: 10 }).map((text) => text.replace(/[^ -~]/g, "?"))
    .filter((text) => !COPY_HEADERS.includes(text)),
);

/** A field, and how many values it holds, itself included. */
interface Counted {
  field: Field;
  count: number;
}

const { value } = fc.letrec<{ value: Counted }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 6, arbitrary: scalar.map((field) => ({ field, count: 1 })) },
    {
      weight: 1,
      arbitrary: fc.array(tie("value"), { maxLength: 3 }).map((items) => ({
        field: arrayField(items.map(({ field }) => field)),
        count: total(items),
      })),
    },
    {
      weight: 1,
      arbitrary: fc.array(fc.tuple(name, tie("value")), { maxLength: 3 })
        .map((entries) => ({
          field: tableField(entries.map(([key, { field }]) => [key, field])),
          count: total(entries.map(([, counted]) => counted)),
        })),
    },
  ),
}));

function total(values: readonly Counted[]): number {
  return values.reduce((sum, { count }) => sum + count, 1);
}

/** Few fields of any type: no more than `max` values are in them. */
export function fewHeaders(max: number): fc.Arbitrary<Table> {
  return fc.uniqueArray(fc.tuple(name, value), {
    maxLength: 5,
    selector: ([key]) => key,
  }).map((entries) => {
    let left = max;
    const fit = entries.filter(([, { count }]) => (left -= count) >= 0);
    return fit.map(([key, { field }]) => [key, field] as const);
  });
}
