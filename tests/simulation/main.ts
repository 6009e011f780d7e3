// The simulation: deno task simulate --histories 2000

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import type { Failure, Tally } from "./messages.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { makePlan, type Plan } from "./plan.ts";
import { ENDLESS_RULE, Pool } from "./pool.ts";
import { failureText, planText, tallyText } from "./report.ts";

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    say(USAGE);
    return 0;
  }
  const jobs = options.histories === 1 ? 1 : options.jobs;
  using pool = await Pool.start(jobs);
  if (options.isDigested) return await digest(pool, options);
  const failure = options.planFile === undefined
    ? await runSeeds(pool, options)
    : await runPlan(pool, readPlan(options.planFile), options);
  if (failure === undefined) return 0;
  const [broken] = failure.violations;
  const isTold = options.isBrief || broken?.rule === ENDLESS_RULE;
  if (isTold) say(failureText(failure));
  else await show(pool, failure, options);
  return 1;
}

/** What each history came to, in a line: it is the same everywhere. */
async function digest(
  pool: Pool,
  { seed, histories, plan }: Options,
): Promise<number> {
  for (let next = seed; next < seed + histories; next++) {
    const order = { type: "trace", plan: makePlan(next, plan) } as const;
    const { result: { trace } } = await pool.ask(order);
    const hash = createHash("sha256").update(trace.join("\n")).digest("hex");
    say(`seed ${next}: ${trace.length} lines, ${hash}`);
  }
  return 0;
}

/** The first history that failed, where one did. */
async function runSeeds(
  pool: Pool,
  { seed, histories, plan, goesOn, isTraced }: Options,
): Promise<Failure | undefined> {
  say(`seeds ${seed} to ${seed + histories - 1}`);
  const startedMs = performance.now();
  const tally: Tally = await pool.run({
    from: seed,
    count: histories,
    options: plan,
    stops: !goesOn,
  });
  say(tallyText(tally, performance.now() - startedMs));
  const { failures: [first, ...others] } = tally;
  if (others.length > 0) {
    say(others.map(failureText).join("\n"));
  }
  if (first === undefined && isTraced && histories === 1) {
    return await runPlan(pool, makePlan(seed, plan), { isTraced });
  }
  return first;
}

async function runPlan(
  pool: Pool,
  plan: Plan,
  { isTraced }: Pick<Options, "isTraced">,
): Promise<Failure | undefined> {
  const { result } = await pool.ask({ type: "trace", plan });
  if (isTraced) say(result.trace.join("\n"));
  const { violations } = result;
  if (violations.length > 0) return { plan, violations };
  say(`seed ${plan.seed}: every rule was kept`);
}

/** Prints all that helps to understand a failure. */
async function show(
  pool: Pool,
  failure: Failure,
  { isShrunk, isTraced, saveFile }: Options,
): Promise<void> {
  let { plan } = failure;
  if (isShrunk) {
    const smaller = await pool.ask({ type: "shrink", plan });
    plan = smaller.plan;
    say(`shrunk in ${smaller.runs} histories`);
  }
  if (saveFile) writeFileSync(saveFile, `${JSON.stringify(plan, null, 2)}\n`);
  const { result } = await pool.ask({ type: "trace", plan });
  if (isShrunk || !isTraced) say(result.trace.join("\n"));
  say(planText(plan));
  say(failureText({ plan, violations: result.violations }));
  say(
    `Again: deno task simulate --seed ${plan.seed} --trace; as little as ` +
      "possible of it: --shrink",
  );
}

function readPlan(file: string): Plan {
  return JSON.parse(readFileSync(file, "utf8"));
}

try {
  const status = await main(process.argv.slice(2));
  // A thread that goes round and round would keep the process.
  process.stdout.write("", () => process.exit(status));
} catch (error) {
  if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}\n`);
  process.exitCode = 64;
}
