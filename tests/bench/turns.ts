// Participants take turns, round after round: what else the machine does
// meanwhile meets all of them alike.

import type { BenchBroker } from "./brokers.ts";
import type { Load } from "./load.ts";
import { Pair, type Participant, type Run } from "./pair.ts";
import type { Scene } from "./scene.ts";
import { medians } from "./stats.ts";

/** The medians of one participant. */
export interface Outcome {
  name: string;
  run: Run;
}

/**
 * Starts every participant, warms it up, and hands their pairs over until `use`
 * is done.
 */
export async function withPairs<T>(
  participants: readonly Participant[],
  { url }: BenchBroker,
  warmUp: Load,
  use: (pairs: Pair[]) => Promise<T>,
): Promise<T> {
  await using stack = new AsyncDisposableStack();
  const pairs: Pair[] = [];
  for (const participant of participants) {
    const pair = stack.use(await Pair.start(participant, url));
    await pair.run(warmUp);
    pairs.push(pair);
  }
  return await use(pairs);
}

/** Runs one load with each pair, in turn, and again; in the pairs' order. */
export async function takeTurns(
  pairs: readonly Pair[],
  load: Load,
  { amounts, say, signal }: Scene,
): Promise<Outcome[]> {
  const runs = pairs.map((): Run[] => []);
  for (let round = 1; round <= amounts.rounds; round++) {
    for (const [i, pair] of pairs.entries()) {
      signal.throwIfAborted();
      const run = await pair.run(load);
      runs[i].push(run);
      const rate = Math.round(run.callsPerSecond);
      say(
        `  round ${round}, ${load.concurrency} in flight: ` +
          `${rate}/s, ${pair.name}`,
      );
    }
  }
  return pairs.map(({ name }, i) => ({ name, run: medians(runs[i]) }));
}
