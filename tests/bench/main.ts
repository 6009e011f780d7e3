// The project's own benchmarks: deno task bench -- --only rpc,startup

import process from "node:process";
import { machine } from "./machine.ts";
import {
  type BenchOptions,
  parseOptions,
  type SectionName,
  USAGE,
} from "./options.ts";
import { markdown, type Table } from "./report.ts";
import { type Section, withScene } from "./scene.ts";
import { fib } from "./sections/fib.ts";
import { growth } from "./sections/growth.ts";
import { micro } from "./sections/micro.ts";
import { rpc } from "./sections/rpc.ts";
import { sizes } from "./sections/sizes.ts";
import { startup } from "./sections/startup.ts";

const SECTIONS: Record<SectionName, Section> = {
  micro,
  rpc,
  sizes,
  growth,
  fib,
  startup,
};

const INTERRUPTED = 130;

interface Report {
  /** As it was typed. */
  command: string;
  date: string;
  /** Rounds of which the medians are told. */
  rounds: number;
  where: Record<string, string>;
  sections: Partial<Record<SectionName, Table[]>>;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function measure(
  options: BenchOptions,
  command: string,
  signal: AbortSignal,
): Promise<Report> {
  return await withScene(options, { say, signal }, async (scene) => {
    const report: Report = {
      command,
      date: new Date().toISOString().slice(0, 10),
      rounds: options.amounts.rounds,
      where: await machine(scene),
      sections: {},
    };
    for (const name of options.only) {
      report.sections[name] = await SECTIONS[name](scene);
    }
    return report;
  });
}

function text({ command, date, rounds, where, sections }: Report): string {
  const facts = Object.entries(where)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `- ${name}: ${value}`);
  return [
    `Measured on ${date} with \`${command}\`; rounds: ${rounds}, medians shown.`,
    facts.join("\n"),
    ...Object.values(sections).flat().map(markdown),
  ].join("\n\n");
}

/** What measures the same again. */
function commandLine(args: string[]): string {
  const executable = Deno.env.get("RABBIT_RPC_BIN");
  const setting = executable ? [`RABBIT_RPC_BIN=${executable}`] : [];
  return [...setting, "deno task bench", ...args].join(" ");
}

async function main(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const signal = interruption();
  try {
    const report = await measure(options, commandLine(args), signal);
    const shown = options.json ? JSON.stringify(report) : text(report);
    process.stdout.write(`${shown}\n`);
    return 0;
  } catch (error) {
    // Ctrl-C ends the processes as well that are being measured.
    if (signal.aborted) return INTERRUPTED;
    throw error;
  }
}

/** Aborted when the suite is told to stop. */
function interruption(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stopping.abort());
  }
  return stopping.signal;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
  say(`${error.message}\n\n${USAGE}`);
  process.exitCode = 64;
}
