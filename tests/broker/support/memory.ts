// How much memory this process uses.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Octets that this process uses, garbage included. */
export function memory(): number {
  const { external, heapUsed } = Deno.memoryUsage();
  return external + heapUsed;
}

/** Octets in use, without garbage; Deno 2.4 counts that too. */
export function memoryInUse(): number {
  setFlagsFromString("--expose-gc");
  const isCollectable = runInNewContext("typeof gc") === "function";
  if (isCollectable) runInNewContext("gc")();
  return memory();
}
