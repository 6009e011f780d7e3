// A call comes and goes while others wait.

import { PendingCall, PendingCalls } from "../../../src/rpc/calling/pending.ts";
import { RpcReply } from "../../../src/rpc/messages.ts";

const reply = new RpcReply(new Uint8Array(2), {}, undefined);
const dueMs = performance.now() + 3_600_000;
const target = { queue: "q", dueMs, timeoutMs: 30_000 };
const ended = () => {};

for (const waiting of [1, 1_000, 100_000]) {
  const pending = new PendingCalls({
    onDeadline: () => {},
    onRefused: () => {},
    onUnsent: () => {},
  });
  const newCall = () => new PendingCall(pending, target, ended, ended);
  for (let n = 0; n < waiting; n++) pending.add(newCall());
  const name = `add and settle, ${waiting.toLocaleString("en-US")} wait`;
  Deno.bench(name, { group: "pending calls" }, () => {
    const call = newCall();
    pending.add(call);
    pending.settle(call.correlationId, reply);
  });
}
