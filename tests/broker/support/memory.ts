/** Octets that this process uses, garbage included. */
export function memory(): number {
  const { external, heapUsed } = Deno.memoryUsage();
  return external + heapUsed;
}
