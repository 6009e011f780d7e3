// What the peers in JavaScript report of a load: see ../load.ts.

/**
 * @param {number[]} latenciesMs
 * @param {number} elapsedMs
 * @returns {{ calls: number, seconds: number, p50_ms: number, p99_ms: number }}
 */
export function figures(latenciesMs, elapsedMs) {
  const sorted = Float64Array.from(latenciesMs).sort();
  const at = (share) => sorted[Math.floor(share * (sorted.length - 1))];
  const seconds = elapsedMs / 1000;
  return { calls: sorted.length, seconds, p50_ms: at(0.5), p99_ms: at(0.99) };
}
