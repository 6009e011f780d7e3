// What the type of an argument promises. Nothing runs: it is the type check of
// this file that fails where it doesn't.

import type { RpcArgument, RpcConnection } from "@rabbit-rpc/rabbit-rpc";

interface Point {
  x: number;
  label?: string;
}

export async function caller(rpc: RpcConnection, point: Point): Promise<void> {
  await rpc.call("q");
  await rpc.call("q", undefined, { timeoutMs: 5 });
  await rpc.call("q", "text");
  await rpc.call("q", new Uint8Array(2));
  await rpc.call("q", new ArrayBuffer(2));
  await rpc.call("q", new DataView(new ArrayBuffer(2)));
  await rpc.call("q", 30);
  await rpc.call("q", false);
  await rpc.call("q", null);
  await rpc.call("q", [1, "two", { three: 3 }]);
  // An interface has no index signature, and is an argument nevertheless.
  await rpc.call("q", point);
  await rpc.call("q", [point] as const);

  // @ts-expect-error -- JSON has no bigint
  await rpc.call("q", 30n);
  // @ts-expect-error -- nor symbols
  await rpc.call("q", Symbol("s"));
  // @ts-expect-error -- what is unknown may be either
  await rpc.call("q", point as unknown);
  // @ts-expect-error -- a queue has a name
  await rpc.call(30, "q");
}

export const all: RpcArgument[] = ["text", 1, true, null, undefined, {}, []];
