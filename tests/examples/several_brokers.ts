// deno-lint-ignore-file no-console

// Several brokers: they are tried in turn, now and whenever the connection is
// lost, and a server moves with it. What happens is told as it does.

import { connect } from "@rabbit-rpc/rabbit-rpc";

const here = Deno.env.get("AMQP_URL") ?? "amqp://localhost";
// Nothing listens there.
const gone = "amqp://127.0.0.1:1";

await using rpc = await connect([gone, here]);
const log = (async () => {
  for await (const event of rpc.events()) console.log(event.type);
})();

await using _server = await rpc.serve("echo", (request) => request.bytes);
// An idempotent procedure may be called again when a connection breaks.
const reply = await rpc.call("echo", "hello", { retries: 3 });
console.log(reply.text());

// Events end with the connection. Had it been lost, this would have printed
// "lost", then "connected".
await rpc.close();
await log;
console.log("closed");

// Prints:
// hello
// closed
