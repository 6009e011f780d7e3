// deno-lint-ignore-file no-console

// Several brokers: they are tried in turn, now and whenever the connection is
// lost, and a server moves with it. What happens is told as it does.

import { connect } from "@rabbit-rpc/rabbit-rpc";

const here = Deno.env.get("AMQP_URL") ?? "amqp://localhost";
// Nothing listens there.
const gone = "amqp://127.0.0.1:1";

await using rpc = await connect([gone, here], {
  onEvent: (event) => console.log(event.type),
});
const events = rpc.events();

await using _server = await rpc.serve("echo", (request) => request.bytes);
// An idempotent procedure may be called again when a connection breaks.
const reply = await rpc.call("echo", "hello", { retries: 3 });
console.log(reply.text());

await rpc.close();
// The same events from then on, as long as the connection is not closed.
for await (const event of events) console.log(event.type);
console.log("closed");

// Prints:
// connected
// hello
// closed
