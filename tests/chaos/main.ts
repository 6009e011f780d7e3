// The chaos suite: deno task chaos --seed 1 --calls 5000

import process from "node:process";
import { parseArgs } from "node:util";
import { rabbitMqMissing } from "../support/rabbitmq.ts";
import {
  FAULT_KINDS,
  type FaultCounts,
  typicalSeconds,
  usualFaults,
} from "./plan.ts";
import { isGood, reportJson, reportText } from "./report.ts";
import { type ChaosOptions, runChaos } from "./run.ts";

const USAGE = `Usage: deno task chaos [--seed S] [--calls N] [flags]

  --seed S          makes the plan of faults; the same seed, the same plan (1)
  --calls N         calls to make (5000)
  --duration S      seconds over which the calls are spread (as long as the
                    faults take, and N / 1000 at least)
  --plain SHARE     share of the calls without retries (0.25)
  --queue-type T    classic or quorum (classic)
  --nodes N         nodes of the broker (1); more than one are a cluster, with
                    quorum queues, for the fault lose-leader
  --faults LIST     these alone, as in "cut=50,kill-server=10"; kinds:
                    ${FAULT_KINDS.join(", ")}

The last line on stdout is a JSON object; status 0 if every rule was kept.`;

const RATE_PER_SECOND = 1000;

function options(args: string[]): ChaosOptions | undefined {
  const { values } = parseArgs({
    args: args[0] === "--" ? args.slice(1) : args,
    options: {
      "seed": { type: "string", default: "1" },
      "calls": { type: "string", default: "5000" },
      "duration": { type: "string" },
      "plain": { type: "string", default: "0.25" },
      "queue-type": { type: "string" },
      "nodes": { type: "string", default: "1" },
      "faults": { type: "string" },
      "help": { type: "boolean", short: "h" },
    },
  });
  if (values.help) return undefined;
  const calls = numberOf("calls", values.calls, 1);
  const faults = values.faults === undefined
    ? usualFaults(calls)
    : faultCounts(values.faults);
  const seconds = values.duration ??
    String(Math.max(typicalSeconds(faults), calls / RATE_PER_SECOND));
  const nodes = numberOf("nodes", values.nodes, 1);
  const queueType = values["queue-type"] ?? (nodes > 1 ? "quorum" : "classic");
  if (queueType !== "classic" && queueType !== "quorum") {
    throw new RangeError(`--queue-type must be classic or quorum`);
  }
  if (faults["lose-leader"] && (nodes < 3 || queueType !== "quorum")) {
    throw new RangeError(
      "lose-leader needs --nodes 3, at least, and a quorum queue",
    );
  }
  return {
    seed: numberOf("seed", values.seed, 0),
    calls,
    durationMs: 1000 * numberOf("duration", seconds, 0.001),
    plainShare: numberOf("plain", values.plain, 0),
    queueType,
    nodes,
    faults,
  };
}

function numberOf(flag: string, text: string, min: number): number {
  const value = Number(text);
  if (text !== "" && value >= min) return value;
  throw new RangeError(`--${flag} must be a number, ${min} or more: ${text}`);
}

function faultCounts(list: string): FaultCounts {
  const counts: FaultCounts = {};
  for (const item of list.split(",").filter(Boolean)) {
    const [name, count = "1"] = item.split("=");
    const kind = FAULT_KINDS.find((kind) => kind === name);
    if (kind === undefined) {
      throw new RangeError(
        `--faults knows no "${name}", but ${FAULT_KINDS.join(", ")}`,
      );
    }
    counts[kind] = numberOf("faults", count, 1);
  }
  return counts;
}

async function main(args: string[]): Promise<number> {
  const missing = rabbitMqMissing();
  if (missing !== undefined) {
    process.stderr.write(`${missing}\n`);
    return 69;
  }
  const chosen = options(args);
  if (chosen === undefined) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const result = await runChaos(
    chosen,
    (line) => process.stderr.write(`${line}\n`),
  );
  process.stdout.write(`${reportText(result)}\n${reportJson(result)}\n`);
  return isGood(result) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}\n`);
  process.exitCode = 64;
}
