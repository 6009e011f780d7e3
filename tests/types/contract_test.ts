// What the types of a contract promise. Nothing runs: it is the type check of
// this file that fails where they don't.

import * as v from "valibot";
import * as z from "zod";
import {
  type Contract,
  implement,
  type Procedure,
  type RpcConnection,
  RpcError,
  type RpcResult,
} from "@rabbit-rpc/rabbit-rpc";

/** True for the same type, false for one that is merely compatible. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

function holds<_ extends true>(): void {}

const contract = {
  fib: { input: z.int(), output: z.number() },
  find: {
    input: v.object({ name: v.optional(v.string(), "x") }),
    output: v.nullable(v.object({ id: v.number() })),
  },
  length: {
    input: z.string().transform((text) => text.length),
    output: z.number().transform(String),
  },
  greet: { input: z.string().optional(), output: z.string() },
  raw: {},
} satisfies Contract;

export async function caller(rpc: RpcConnection): Promise<void> {
  const api = rpc.client(contract, "q", { timeoutMs: 1_000 });

  const n = await api.fib(30, { retries: 2 });
  holds<Same<typeof n, number>>();
  // What has a default may be left out by the caller.
  const found = await api.find({});
  holds<Same<typeof found, { id: number } | null>>();
  // The input of one schema, the output of the other.
  const text = await api.length("four");
  holds<Same<typeof text, string>>();
  await api.greet();
  await api.greet(undefined, { timeoutMs: 5 });
  const raw = await api.raw({ any: ["thing"] });
  holds<Same<typeof raw, unknown>>();

  // @ts-expect-error -- a text is no number
  await api.fib("30");
  // @ts-expect-error -- fib wants an input
  await api.fib();
  // @ts-expect-error -- no such method
  await api.fact(3);
  // @ts-expect-error -- the method is the type
  await api.fib(30, { type: "other" });
  // @ts-expect-error -- what goes in is a text
  await api.length(4);
}

export const procedure: Procedure = implement(contract, {
  fib: (n, { signal, deadlineMs }, request) => {
    holds<Same<typeof n, number>>();
    return n + deadlineMs + request.bytes.length + Number(signal.aborted);
  },
  find: ({ name }) => {
    holds<Same<typeof name, string>>();
    return Promise.resolve(name ? { id: 1 } : null);
  },
  length: (length) => {
    holds<Same<typeof length, number>>();
    return length;
  },
  greet: (name = "you") => `Hello, ${name}!`,
  raw: (input) => {
    holds<Same<typeof input, unknown>>();
    return input;
  },
});

const { fib, find, length, greet, raw } = {
  fib: () => 1,
  find: () => null,
  length: () => 1,
  greet: () => "",
  raw: () => 1,
};
// @ts-expect-error -- a handler is missing
export const incomplete = () => implement(contract, { fib, find, length, raw });
export const wrong = () =>
  implement(contract, {
    find,
    length,
    greet,
    raw,
    // @ts-expect-error -- the output is a number
    fib: () => "1",
  });

interface User {
  id: number;
}
const user: User = { id: 1 };
export const results: RpcResult[] = [user, [user], 1, true, null, "", void 0];
export const thrower: Procedure = () => {
  throw new RpcError("internal", "never returns");
};
// @ts-expect-error -- JSON can't hold it
export const big: Procedure = () => 5n;
