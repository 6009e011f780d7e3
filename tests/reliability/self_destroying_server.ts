// A server that ends with its process whenever it is asked to "die", and
// answers everything else: `self_destroying_server.ts URL QUEUE EXCHANGE`.

import { connect } from "../../src/mod.ts";

const [url, queue, deadLetterExchange] = Deno.args;
const rpc = await connect(url);
await rpc.serve(queue, (request) => {
  if (request.text() === "die") Deno.exit(7);
  return "alive";
}, {
  maxDeliveries: 1,
  declare: { type: "quorum", deadLetterExchange },
});
// deno-lint-ignore no-console -- how the test hears of it
console.log("serving");
