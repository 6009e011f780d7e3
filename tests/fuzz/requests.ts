// Requests with random properties that tell lies, and what becomes of each.

import fc from "fast-check";
import { byteString } from "../../src/amqp091/reader.ts";
import {
  longField,
  stringField,
  type Table,
  tableField,
} from "../../src/amqp091/table.ts";
import { encodeProperties } from "../broker/support/properties.ts";
import { fewHeaders } from "./fields.ts";

/** The limits of the server that is tested. */
export const LIMITS = {
  maxBodyBytes: 16 * 1024,
  maxHeaders: 20,
  maxHeaderBytes: 4 * 1024,
};

/** Queues that are there. */
export interface Queues {
  /** Whose replies come back: exclusive, the first named by the broker. */
  callbacks: string[];
  /** Those that must stay empty. */
  forbidden: string[];
}

/** By the rules; `any` where it is up to chance. */
export type Outcome = "echo" | "error" | "nothing" | "any";

/** A request as it travels. */
export interface FuzzedRequest {
  properties: Uint8Array;
  body: Uint8Array;
  expected: Outcome;
  /** The broker may drop it before the server sees it. */
  mayExpire: boolean;
}

/** A header table, and whether a request that has it is answered with an error. */
interface Headers {
  table: Table | undefined;
  isOver: boolean;
}

const FEW = LIMITS.maxHeaders - 2;

const headers: fc.Arbitrary<Headers> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ table: undefined, isOver: false }) },
  {
    weight: 8,
    arbitrary: fewHeaders(FEW).map((table) => ({ table, isOver: false })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fewHeaders(FEW),
      fc.constantFrom<Table[number]>(
        ["rpc-deadline", stringField("soon")],
        ["rpc-deadline", tableField([])],
        ["rpc-deadline", longField("l", 2n ** 63n - 1n)],
        ["x-delivery-count", stringField("100")],
      ),
    ).map(([few, one]) => ({ table: [...few, one], isOver: false })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Table>(
      [["rpc-deadline", longField("l", 1n)]],
      [["rpc-deadline", longField("l", -(2n ** 63n))]],
      [["x-delivery-count", longField("l", 100n)]],
      Array.from({ length: 21 }, (_, n) => [`h${n}`, longField("l", 1n)]),
      [["h", stringField("x".repeat(LIMITS.maxHeaderBytes))]],
    ).map((table) => ({ table, isOver: true })),
  },
);

/** Bytes that need not be UTF-8, as properties are written in tests. */
const garbage = fc.uint8Array({ maxLength: 255 }).map((it) => byteString(it));
const lies = (...texts: string[]) =>
  fc.oneof(fc.constantFrom(...texts), garbage);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.option(arbitrary, { nil: undefined });

const body = fc.oneof(
  { weight: 30, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc.nat(LIMITS.maxBodyBytes).map((n) => new Uint8Array(n)),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 100_000 })
      .map((n) => new Uint8Array(LIMITS.maxBodyBytes + n)),
  },
);

function replyTo({ callbacks, forbidden }: Queues) {
  const missing = Array.from({ length: 30 }, (_, n) => `missing-${n}`);
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...callbacks) },
    { weight: 3, arbitrary: fc.constantFrom(...forbidden) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        ...missing,
        "amq.direct",
        "/exchange/amq.direct/x",
        "amq.gen-nobody",
        "amq.rabbitmq.reply-to.nobody",
      ),
    },
    { weight: 1, arbitrary: garbage },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

/** What the broker takes: it closes channels for anything else. */
const expiration = fc.constantFrom("0", "1", "007", "600000", "4294967295");

/** Requests, each of which says what should become of it. */
export function requests(queues: Queues): fc.Arbitrary<FuzzedRequest[]> {
  const request = fc.record({
    contentType: maybe(lies("application/json", "application/problem+json")),
    contentEncoding: maybe(lies("gzip", "utf-16", "identity")),
    headers,
    deliveryMode: maybe(fc.constantFrom(1, 2)),
    priority: maybe(fc.nat(255)),
    // Replies are told apart by numbers.
    isNumbered: fc.nat(9).map((n) => n > 0),
    correlationId: maybe(garbage),
    replyTo: replyTo(queues),
    expiration: fc.option(expiration, { nil: undefined, freq: 8 }),
    messageId: maybe(garbage),
    timestamp: maybe(fc.uint8Array({ minLength: 8, maxLength: 8 })),
    type: maybe(lies("error", "cancel", "__proto__")),
    userId: maybe(fc.constant("guest")),
    appId: maybe(garbage),
    body,
  });
  type Fields = typeof request extends fc.Arbitrary<infer T> ? T : never;
  const encode = (fields: Fields, n: number): FuzzedRequest => {
    const { body, correlationId, expiration, headers, isNumbered, replyTo } =
      fields;
    const mayExpire = ["0", "1", "007"].includes(expiration ?? "");
    const isOver = headers.isOver || body.length > LIMITS.maxBodyBytes;
    const answer = mayExpire || !isNumbered ? "any" : isOver ? "error" : "echo";
    return {
      properties: encodeProperties({
        ...fields,
        headers: headers.table,
        correlationId: isNumbered ? `request ${n}` : correlationId,
      }),
      body,
      mayExpire,
      expected: queues.callbacks.includes(replyTo ?? "") ? answer : "nothing",
    };
  };
  const size = 10_000;
  return fc.array(request, { minLength: size, maxLength: size, size: "max" })
    .map((all) => all.map(encode));
}
