/**
 * `rabbit-rpc bench`: measures a queue and its servers.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Expectation, parseExpectations } from "./expectation.ts";
import {
  addCommonFlags,
  type CommonFlags,
  flag,
  LARGEST_BODY_BYTES,
  MOST_IN_FLIGHT,
  parseCount,
  parseRate,
  parseTimeout,
  priorityFlag,
  timeoutFlag,
} from "../flags/common.ts";

/** The flags of `rabbit-rpc bench`. */
export interface BenchFlags extends CommonFlags {
  calls?: number;
  duration?: number;
  concurrency: number;
  warmup: number;
  body: string;
  size?: number;
  rate?: number;
  timeout: number;
  priority?: number;
  format: "text" | "json" | "html";
  output?: string;
  expect: Expectation[];
}

const EXAMPLES = `
Examples:
  rabbit-rpc bench echo_queue --calls 100000 --concurrency 512
  rabbit-rpc bench rpc_queue --body 20 --duration 30s --rate 1000 --expect 'p99<50ms,errors<=0'
  rabbit-rpc bench echo_queue --size 4096 --format html -o report.html`;

/** Adds the subcommand; `done` gets the exit status. */
export function addBenchCommand(
  program: Command,
  done: (status: number) => void,
): void {
  const command = program.command("bench")
    .summary("measure calls a second and latencies")
    .description(
      "Calls as fast as replies come, or at a fixed rate: then a latency " +
        "counts from the moment at which the request was due.",
    )
    .argument("<queue>", "request queue")
    .addOption(
      flag("--calls <n>", "how many (default: 10000, or as --duration has it)")
        .argParser(parseCount(1)),
    )
    .addOption(
      flag("--duration <duration>", "for how long")
        .argParser(parseTimeout),
    )
    .addOption(
      flag("-c, --concurrency <n>", "requests in flight")
        .argParser(parseCount(1, MOST_IN_FLIGHT)).default(50),
    )
    .addOption(
      flag("--warmup <n>", "calls before, not counted")
        .argParser(parseCount(0)).default(200),
    )
    .addOption(flag("--body <text>", "body of each request").default("30"))
    .addOption(
      flag("--size <bytes>", "or so many bytes")
        .argParser(parseCount(0, LARGEST_BODY_BYTES)),
    )
    .addOption(
      flag("--rate <n>", "requests a second").argParser(parseRate),
    )
    .addOption(timeoutFlag())
    .addOption(priorityFlag())
    .addOption(
      flag("--format <format>", "of the report")
        .choices(["text", "json", "html"]).default("text"),
    )
    .addOption(flag("-o, --output <file>", "write the report there"))
    .addOption(
      new Option("--expect <bound>", "p99<50ms say; a miss is exit status 1")
        .argParser(parseExpectations).default([], "none"),
    )
    .addHelpText("after", EXAMPLES)
    .action(async (queue: string, flags: BenchFlags) => {
      if (flags.calls !== undefined && flags.duration !== undefined) {
        throw new InvalidArgumentError(
          "--calls and --duration exclude each other",
        );
      }
      const { runBench } = await import("./run.ts");
      done(await runBench(queue, flags));
    });
  addCommonFlags(command);
}
