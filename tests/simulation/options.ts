// The flags of `deno task simulate`.

import { parseArgs } from "node:util";
import { FAULT_KINDS, type FaultKind, type PlanOptions } from "./plan.ts";

export const USAGE =
  `Usage: deno task simulate [--histories N] [--seed S] [flags]

  --histories N     histories to run, of the seeds S, S+1, ... (2000, or 1
                    where a seed is given)
  --seed S          the first seed (a new one, which is printed)
  --calls N         calls of a history (100)
  --faults N        faults of a history (10)
  --kinds LIST      these alone, as in "cut,pause"; kinds:
                    ${wrapped(FAULT_KINDS, 20)}
  --plan FILE       the plan in this file, as --save wrote it
  --save FILE       writes the plan of the first failure, after --shrink
  --trace           prints what happened in the one history, well or not
  --shrink          takes faults and calls away while it still fails
  --digest          prints a digest of the trace of each history instead: the
                    same everywhere
  --brief           no trace of a failure
  --go-on           does not stop at the first failure
  --jobs N          threads (as many as there are processors)

Status 0 if every rule was kept. tests/simulation/README.md says how to read a
trace.`;

/** What was asked for. */
export interface Options {
  readonly histories: number;
  readonly seed: number;
  readonly plan: PlanOptions;
  readonly planFile: string | undefined;
  readonly saveFile: string | undefined;
  readonly isTraced: boolean;
  readonly isShrunk: boolean;
  readonly isDigested: boolean;
  readonly isBrief: boolean;
  readonly goesOn: boolean;
  readonly jobs: number;
}

/** @throws {RangeError} naming the flag and its value. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: args[0] === "--" ? args.slice(1) : [...args],
    options: {
      histories: { type: "string" },
      seed: { type: "string" },
      calls: { type: "string", default: "100" },
      faults: { type: "string", default: "10" },
      kinds: { type: "string" },
      plan: { type: "string" },
      save: { type: "string" },
      trace: { type: "boolean", default: false },
      shrink: { type: "boolean", default: false },
      digest: { type: "boolean", default: false },
      brief: { type: "boolean", default: false },
      "go-on": { type: "boolean", default: false },
      jobs: { type: "string", default: `${navigator.hardwareConcurrency}` },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return undefined;
  const isOne = values.seed !== undefined || values.plan !== undefined;
  return {
    histories: whole("histories", values.histories ?? (isOne ? "1" : "2000")),
    seed: values.seed === undefined ? newSeed() : whole("seed", values.seed),
    plan: {
      calls: whole("calls", values.calls),
      faults: whole("faults", values.faults),
      kinds: kinds(values.kinds),
    },
    planFile: values.plan,
    saveFile: values.save,
    isTraced: values.trace,
    isShrunk: values.shrink,
    isDigested: values.digest,
    isBrief: values.brief,
    goesOn: values["go-on"],
    jobs: Math.max(1, whole("jobs", values.jobs)),
  };
}

function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

function whole(flag: string, text: string): number {
  const value = Number(text);
  if (text !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`--${flag} must be a whole number, got "${text}"`);
}

function kinds(list: string | undefined): readonly FaultKind[] {
  if (list === undefined) return FAULT_KINDS;
  return list.split(",").map((name) => {
    const kind = FAULT_KINDS.find((kind) => kind === name.trim());
    if (kind) return kind;
    throw new RangeError(`--kinds knows no "${name}"`);
  });
}

function wrapped(words: readonly string[], indent: number): string {
  const lines = [""];
  for (const word of words) {
    const line = `${lines.at(-1)}${word}, `;
    if (line.length + indent > 80) lines.push(`${word}, `);
    else lines[lines.length - 1] = line;
  }
  return lines.map((it) => it.trimEnd()).join(`\n${" ".repeat(indent)}`)
    .replace(/,$/, "");
}
