// deno-lint-ignore-file no-console

// One contract types the server's handlers and the client's calls. It is often
// a module of its own, which both import.

import { connect, type Contract, implement } from "@rabbit-rpc/rabbit-rpc";
import * as z from "zod";

const contract = {
  add: {
    input: z.object({ a: z.number(), b: z.number() }),
    output: z.number(),
  },
  greet: { input: z.string(), output: z.string() },
} satisfies Contract;

await using rpc = await connect(Deno.env.get("AMQP_URL"));

await using _server = await rpc.serve(
  "maths",
  implement(contract, {
    add: ({ a, b }) => a + b,
    greet: (name) => `Hello, ${name}!`,
  }),
);

const maths = rpc.client(contract, "maths", { timeoutMs: 5_000 });
console.log(await maths.add({ a: 1, b: 2 }));
console.log(await maths.greet("Ada"));

// Prints:
// 3
// Hello, Ada!
