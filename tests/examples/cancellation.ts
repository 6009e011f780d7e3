// deno-lint-ignore-file no-console

// A caller that changes its mind: its AbortSignal ends the call, and the signal
// of the procedure fires, so that the server does not work for nobody.

import { connect, RpcError } from "@rabbit-rpc/rabbit-rpc";

await using rpc = await connect(Deno.env.get("AMQP_URL"));

const started = Promise.withResolvers<void>();
const stopped = Promise.withResolvers<void>();

await using _server = await rpc.serve("reports", (_request, { signal }) => {
  started.resolve();
  // Pass it on to whatever takes long: fetch(url, { signal }), a query, ...
  return new Promise<string>((_resolve, reject) => {
    signal.addEventListener("abort", () => {
      stopped.resolve();
      reject(signal.reason);
    });
  });
});

const canceling = new AbortController();
const call = rpc.call("reports", "2026", { signal: canceling.signal });
started.promise.then(() => canceling.abort());

try {
  await call;
} catch (error) {
  if (!(error instanceof RpcError)) throw error;
  console.log(`the call failed: ${error.code}`);
}
await stopped.promise;
console.log("the server stopped working on it");

// Prints:
// the call failed: canceled
// the server stopped working on it
