// What a section has at hand.

import { type Contender, ours } from "./contenders.ts";
import { PREPARE } from "./libraries.ts";
import { type BenchBroker, startBenchBroker } from "./brokers.ts";
import type { Amounts, BenchOptions } from "./options.ts";
import type { Table } from "./report.ts";

/** Brokers that run, contenders that can. */
export interface Scene {
  readonly amounts: Amounts;
  readonly brokers: readonly BenchBroker[];
  /** We come first. */
  readonly contenders: readonly Contender[];
  /** Tells of progress. */
  readonly say: (line: string) => void;
  /** Ends the suite between two measurements, and with it what it started. */
  readonly signal: AbortSignal;
}

/** Measures one thing. */
export type Section = (scene: Scene) => Promise<Table[]>;

/** Starts and builds what was asked for; says what is missing, and why. */
export async function withScene<T>(
  options: BenchOptions,
  { say, signal }: Pick<Scene, "say" | "signal">,
  use: (scene: Scene) => Promise<T>,
): Promise<T> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "rabbit-rpc-bench-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  // Micro benchmarks are of functions alone.
  const needed = options.only.some((name) => name !== "micro");
  const brokers: BenchBroker[] = [];
  for (const name of needed ? options.brokers : []) {
    const broker = await startBenchBroker(name);
    if ("missing" in broker) say(`left out: ${name}: ${broker.missing}`);
    else brokers.push(stack.use(broker));
  }
  if (needed && brokers.length === 0) {
    throw new RangeError("no broker is left to measure on; try --broker own");
  }
  const contenders = [await ours()];
  for (const name of needed ? options.peers : []) {
    const own = `${dir}/${name}`;
    await Deno.mkdir(own);
    const peer = await PREPARE[name](own);
    if ("missing" in peer) say(`left out: ${name}: ${peer.missing}`);
    else contenders.push(peer);
  }
  const { amounts } = options;
  return await use({ amounts, brokers, contenders, say, signal });
}
