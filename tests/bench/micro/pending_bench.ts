// A call comes and goes while others wait.

import { type PendingCall, PendingCalls } from "../../../src/rpc/pending.ts";
import { RpcReply } from "../../../src/rpc/wire.ts";

const reply = new RpcReply(new Uint8Array(2), {}, undefined);
const deadlineMs = Date.now() + 3_600_000;

function newCall(correlationId: string): PendingCall {
  return {
    correlationId,
    queue: "q",
    deadlineMs,
    timeoutMs: 30_000,
    sent: true,
    resolve() {},
    reject() {},
  };
}

for (const waiting of [1, 1_000, 100_000]) {
  const pending = new PendingCalls(() => {});
  for (let n = 0; n < waiting; n++) pending.add(newCall(`waiting ${n}`));
  const name = `add and settle, ${waiting.toLocaleString("en-US")} wait`;
  let calls = 0;
  Deno.bench(name, { group: "pending calls" }, () => {
    // A key that comes again and again would be the worst case of a Map.
    const correlationId = `call ${++calls}`;
    pending.add(newCall(correlationId));
    pending.settle(correlationId, reply);
  });
}
