/**
 * The flags of `rabbit-rpc client`, and what they mean for a call.
 *
 * @module
 */
import { type Command, InvalidArgumentError } from "commander";
import type { CallOptions } from "../../rpc/calling/call_options.ts";
import {
  addCommonFlags,
  type CommonFlags,
  flag,
  MOST_IN_FLIGHT,
  parseCount,
  parseRate,
  parseTimeout,
  priorityFlag,
  timeoutFlag,
} from "../flags/common.ts";

/** The flags of `rabbit-rpc client`. */
export interface ClientFlags extends CommonFlags {
  timeout: number;
  wait?: boolean;
  header: Record<string, string>;
  type?: string;
  contentType?: string;
  persistent?: boolean;
  priority?: number;
  retries: number;
  attemptTimeout?: number;
  rate?: number;
  json?: boolean;
  dryRun?: boolean;
  lines?: boolean;
  null?: boolean;
  input?: "ndjson";
  concurrency: number;
  unordered?: boolean;
  failed?: string;
  failFast?: boolean;
}

/** Adds them. */
export function addClientFlags(command: Command): void {
  command
    .addOption(timeoutFlag())
    .addOption(
      flag("--retries <n>", "send again when the connection is lost")
        .argParser(parseCount(0)).default(0),
    )
    .addOption(
      flag(
        "--attempt-timeout <duration>",
        "with --retries: send again when silent",
      )
        .argParser(parseTimeout),
    )
    .addOption(
      flag("--wait", "wait for a missing broker or queue to appear"),
    )
    .addOption(
      flag("--no-wait", "fail at once when the queue has no consumer"),
    )
    .addOption(
      flag("-H, --header <key:value>", "a header; may be repeated")
        .argParser(parseHeader).default({}, "none"),
    )
    .addOption(flag("--type <method>", "method, where a server has several"))
    .addOption(flag("--content-type <type>", "MIME type of the body"))
    .addOption(flag("--persistent", "the broker keeps requests on disk"))
    .addOption(priorityFlag())
    .addOption(flag("--json", "print an object per request, errors included"))
    .addOption(
      flag("--dry-run", "check the input, print what would be sent, send none"),
    );
  addBatchFlags(command);
  addCommonFlags(command);
}

function addBatchFlags(command: Command): void {
  command
    .addOption(flag("-l, --lines", "each line of stdin is a request"))
    .addOption(
      flag("-0, --null", "requests and answers end in NUL, not in a newline"),
    )
    .addOption(
      flag("--input <format>", "ndjson: a line is {id, body, headers, type}")
        .choices(["ndjson"]),
    )
    .addOption(
      flag("-c, --concurrency <n>", "requests in flight with -l")
        .argParser(parseCount(1, MOST_IN_FLIGHT)).default(32),
    )
    .addOption(flag("--unordered", "print answers as they come"))
    .addOption(
      flag("--rate <n>", "requests a second at most, with -l")
        .argParser(parseRate),
    )
    .addOption(
      flag(
        "--failed <file>",
        "write the lines that failed there, as they were",
      ),
    )
    .addOption(flag("--fail-fast", "send no more once a request has failed"));
}

/** The flag by which stdin holds many requests; undefined for one request. */
export function batchFlag(flags: ClientFlags): string | undefined {
  if (flags.lines) return "--lines";
  if (flags.null) return "--null";
  return flags.input && "--input";
}

function parseHeader(
  text: string,
  previous: Record<string, string>,
): Record<string, string> {
  const colon = text.indexOf(":");
  if (colon < 1) throw new InvalidArgumentError("It must be key:value.");
  const value = text.slice(colon + 1).trimStart();
  return { ...previous, [text.slice(0, colon)]: value };
}

/** What the flags mean for each call. */
export function callOptions(flags: ClientFlags): CallOptions {
  return {
    timeoutMs: flags.timeout,
    retries: flags.retries,
    attemptTimeoutMs: flags.attemptTimeout,
    wait: flags.wait === true,
    requireConsumer: flags.wait === false,
    headers: flags.header,
    type: flags.type,
    contentType: flags.contentType,
    persistent: flags.persistent,
    priority: flags.priority,
    // What a script sends should not wait for its deadline to hear of a no.
    confirm: true,
  };
}
