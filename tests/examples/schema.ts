// deno-lint-ignore-file no-console

// A server that checks its input by a schema, here one of valibot, and callers
// that know nothing of it: they send JSON, with the method as the type, in any
// language. What does not fit is answered before a handler runs.

import { connect, implement, RpcError } from "@rabbit-rpc/rabbit-rpc";
import * as v from "valibot";

const User = v.object({
  name: v.pipe(v.string(), v.minLength(1)),
  email: v.pipe(v.string(), v.email()),
  tags: v.optional(v.array(v.string()), []),
});

await using rpc = await connect(Deno.env.get("AMQP_URL"));

await using _server = await rpc.serve(
  "users",
  implement({ create: { input: User } }, {
    create: ({ name, tags }) => ({ created: name, tags }),
  }),
);

const create = (user: unknown) =>
  rpc.call("users", JSON.stringify(user), { type: "create" });

const reply = await create({ name: "ada", email: "ada@example.com" });
console.log(reply.json());

try {
  await create({ name: "", email: "nowhere" });
} catch (error) {
  if (!(error instanceof RpcError)) throw error;
  // The same, for programs: error.details?.issues
  console.log(`${error.code}: ${error.message}`);
}

// Prints:
// { created: "ada", tags: [] }
// invalid_argument: create got invalid input: name: Invalid length: Expected >=1 but received 0; email: Invalid email: Received "nowhere"
