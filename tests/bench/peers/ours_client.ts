// Calls through our library.
//
// usage: ours_client.ts client URL QUEUE
//
// Reads loads from stdin and prints what came of them: see ../load.ts.

import { connect, type RpcConnection } from "@rabbit-rpc/rabbit-rpc";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Figures, Load } from "../load.ts";
import { figures } from "./figures.mjs";

async function runLoad(
  rpc: RpcConnection,
  queue: string,
  { calls, seconds, concurrency, body }: Load,
): Promise<Figures> {
  const request = new TextEncoder().encode(body);
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  const endsMs = startedMs + 1000 * seconds;
  let begun = 0;
  const caller = async () => {
    while (begun < calls) {
      begun++;
      const sentMs = performance.now();
      if (sentMs >= endsMs) return;
      const reply = await rpc.call(queue, request);
      if (reply.bytes.length === 0) throw new Error("an empty reply came");
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return figures(latenciesMs, performance.now() - startedMs);
}

const [, url, queue] = process.argv.slice(2);
await using rpc = await connect(url);
for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await runLoad(rpc, queue, JSON.parse(line));
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
