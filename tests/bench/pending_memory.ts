// Prints how many bytes each of many calls holds in a client while it waits, as
// a JSON object: on V8's heap, and in buffers beside it.
//
// usage: deno run --v8-flags=--expose-gc pending_memory.ts URL CALLS

import process from "node:process";
import { connect } from "../../src/mod.ts";
import { waitUntil } from "../support/wait.ts";

const { gc } = globalThis as { gc?: () => void };

/** Bytes that are in use. */
function used(): { heap: number; buffers: number } {
  if (gc === undefined) throw new Error("run it with --v8-flags=--expose-gc");
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, buffers: external };
}

const [url, count] = process.argv.slice(2);
const calls = Number(count);
const queue = `bench-${crypto.randomUUID()}`;
await using rpc = await connect(url);

// A queue that nobody serves any more. Its server's first call warms up too.
{
  const server = await rpc.serve(queue, ({ bytes }) => bytes);
  await rpc.call(queue, "30");
  await server.stop();
}

const waiting = new AbortController();
const before = used();
const ends = Array.from(
  { length: calls },
  () => rpc.call(queue, "30", { timeoutMs: 600_000, signal: waiting.signal }),
);
const ended = Promise.allSettled(ends);
await waitUntil(
  "all requests to be in the queue",
  async () => (await rpc.inspect(queue))?.messages === calls,
  60_000,
);
const after = used();
waiting.abort();
await ended;
const each = {
  heap: (after.heap - before.heap) / calls,
  buffers: (after.buffers - before.buffers) / calls,
};
process.stdout.write(`${JSON.stringify(each)}\n`);
