/**
 * The flags of `rabbit-rpc bench`.
 *
 * @module
 */
import { type Command, Option } from "commander";
import {
  addCommonFlags,
  type CommonFlags,
  priorityFlag,
  timeoutFlag,
} from "../flags/common.ts";
import { flag } from "../flags/flag.ts";
import {
  MAX_BODY_BYTES,
  MAX_IN_FLIGHT,
  parseCount,
  parseRate,
  parseTimeout,
} from "../flags/values.ts";
import { type Expectation, parseExpectations } from "./expectation.ts";

/** The flags of `rabbit-rpc bench`. */
export interface BenchFlags extends CommonFlags {
  calls?: number;
  duration?: number;
  concurrency: number;
  warmup: number;
  body: string;
  size?: number;
  /** Items to read of each stream; undefined for calls. */
  stream?: number;
  rate?: number;
  timeout: number;
  priority?: number;
  format: "text" | "json" | "html";
  output?: string;
  expect: Expectation[];
}

/** Adds the flags. */
export function addBenchFlags(command: Command): void {
  addLoadFlags(command);
  command
    .addOption(
      flag("--format <format>", "format of the report")
        .choices(["text", "json", "html"]).default("text"),
    )
    .addOption(flag("-o, --output <file>", "write the report to a file"))
    .addOption(
      new Option(
        "--expect <bound>",
        "exit with 1 unless a bound such as p99<50ms holds",
      )
        .argParser(parseExpectations).default([], "none"),
    );
  addCommonFlags(command);
}

function addLoadFlags(command: Command): void {
  command
    .addOption(
      flag(
        "--calls <n>",
        "number of calls (default: 10000, or 100 streams)",
      )
        .argParser(parseCount(1)),
    )
    .addOption(
      flag("--duration <duration>", "how long to run")
        .argParser(parseTimeout),
    )
    .addOption(
      flag("-c, --concurrency <n>", "requests in flight")
        .argParser(parseCount(1, MAX_IN_FLIGHT)).default(50),
    )
    .addOption(
      flag("--warmup <n>", "calls to make before measuring")
        .argParser(parseCount(0)).default(200),
    )
    .addOption(flag("--body <text>", "body of each request").default("30"))
    .addOption(
      flag("--size <bytes>", "send a body of this size instead")
        .argParser(parseCount(0, MAX_BODY_BYTES)),
    )
    .addOption(
      flag("--stream <n>", "read this many items of a stream in each call")
        .argParser(parseCount(1)),
    )
    .addOption(
      flag("--rate <n>", "requests to send per second")
        .argParser(parseRate),
    )
    .addOption(timeoutFlag())
    .addOption(priorityFlag());
}
