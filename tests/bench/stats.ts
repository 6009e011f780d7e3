// Of several rounds, one figure.

/** The middle one; of an even number, the mean of the middle two. */
export function median(values: number[]): number {
  if (values.length === 0) throw new RangeError("median of nothing");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

/** The median of each figure by itself. */
export function medians<K extends string>(
  rounds: Record<K, number>[],
): Record<K, number> {
  const names = Object.keys(rounds[0]) as K[];
  return Object.fromEntries(
    names.map((name) => [name, median(rounds.map((round) => round[name]))]),
  ) as Record<K, number>;
}
