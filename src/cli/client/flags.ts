/**
 * The flags of `rabbit-rpc client`, and what they mean for a call.
 *
 * @module
 */
import { type Command, InvalidArgumentError } from "commander";
import type { CallOptions } from "../../rpc/calling/call_options.ts";
import type { StreamOptions } from "../../rpc/calling/streams/stream_options.ts";
import type { CallSubject } from "../advice.ts";
import { type OuterRequest, outerRequest } from "./outer_request.ts";
import {
  addCommonFlags,
  type CommonFlags,
  priorityFlag,
  timeoutFlag,
} from "../flags/common.ts";
import { flag } from "../flags/flag.ts";
import {
  MAX_IN_FLIGHT,
  parseCount,
  parseRate,
  parseTimeout,
} from "../flags/values.ts";

const DEFAULT_IDLE_MS = 30_000;

/** The flags of `rabbit-rpc client`. */
export interface ClientFlags extends CommonFlags {
  /** Infinity with `--stream`, unless it was given. */
  timeout: number;
  stream?: boolean;
  /** Null if not set: the timeout, or 30 s without one. */
  idleTimeout: number | null;
  restart: "abort" | "skip";
  progress?: boolean;
  /** From the environment. */
  outer: OuterRequest;
  /** False for `--no-wait`; undefined for neither. */
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

/** Adds the flags. */
export function addClientFlags(command: Command): void {
  const outer = outerRequest(optionalVariable);
  command.setOptionValueWithSource("outer", outer, "env");
  addCallFlags(command);
  command
    .addOption(
      flag("--json", "print one JSON object per request, errors included"),
    )
    .addOption(
      flag("--dry-run", "check and print the requests without sending them"),
    );
  addBatchFlags(command);
  addCommonFlags(command);
}

function addCallFlags(command: Command): void {
  command
    .addOption(timeoutFlag("30s; none for a stream"))
    .addOption(
      flag("--stream", "print the items of a stream as they come"),
    )
    .addOption(
      flag(
        "--idle-timeout <duration>",
        "with --stream: longest time to wait for an item",
      )
        .argParser(parseTimeout).default(null, "--timeout if given, else 30s"),
    )
    .addOption(
      flag(
        "--restart <mode>",
        "with --stream: if another server has to begin again, fail, or skip " +
          "the items that have come",
      )
        .choices(["abort", "skip"]).default("abort"),
    )
    .addOption(
      flag("--progress", "show how far the server is with the call"),
    )
    .addOption(
      flag(
        "--retries <n>",
        "send again up to n times if the connection is lost",
      )
        .argParser(parseCount(0)).default(0),
    )
    .addOption(
      flag(
        "--attempt-timeout <duration>",
        "with --retries: send again after this long without a reply",
      )
        .argParser(parseTimeout),
    )
    .addOption(
      flag("--wait", "wait for a missing broker or queue to appear"),
    )
    .addOption(
      flag("--no-wait", "fail at once if the queue has no consumer"),
    )
    .addOption(
      flag("-H, --header <key:value>", "add a header; may be repeated")
        .argParser(parseHeader).default({}, "none"),
    )
    .addOption(
      flag("--type <method>", "method to call, if the server has several"),
    )
    .addOption(flag("--content-type <type>", "MIME type of the body"))
    .addOption(flag("--persistent", "have the broker keep requests on disk"))
    .addOption(priorityFlag());
}

function addBatchFlags(command: Command): void {
  command
    .addOption(flag("-l, --lines", "send each line of stdin as a request"))
    .addOption(
      flag("-0, --null", "like --lines, with NUL instead of newlines"),
    )
    .addOption(
      flag("--input <format>", "ndjson: a line is {id, body, headers, type}")
        .choices(["ndjson"]),
    )
    .addOption(
      flag("-c, --concurrency <n>", "with --lines: requests in flight")
        .argParser(parseCount(1, MAX_IN_FLIGHT)).default(32),
    )
    .addOption(flag("--unordered", "print replies as they arrive"))
    .addOption(
      flag("--rate <n>", "with --lines: send at most n requests per second")
        .argParser(parseRate),
    )
    .addOption(
      flag("--failed <file>", "write the input lines that failed to a file"),
    )
    .addOption(flag("--fail-fast", "stop sending after the first failure"));
}

/** The flag that makes stdin hold many requests; undefined for one request. */
export function batchFlag(
  flags: Pick<ClientFlags, "lines" | "null" | "input">,
): string | undefined {
  if (flags.lines) return "--lines";
  if (flags.null) return "--null";
  return flags.input && "--input";
}

/** Without the permission to read it, the program still runs. */
function optionalVariable(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
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

/** The options of each call. */
export function callOptions(flags: ClientFlags): CallOptions {
  return {
    ...requestOptions(flags),
    timeoutMs: flags.timeout,
    retries: flags.retries,
    attemptTimeoutMs: flags.attemptTimeout,
    // A script should hear of a refusal before its deadline.
    confirm: true,
  };
}

/** The options of each stream. */
export function streamOptions(flags: ClientFlags): StreamOptions {
  return {
    ...requestOptions(flags),
    timeoutMs: flags.timeout,
    idleTimeoutMs: idleTimeoutOf(flags),
    restart: flags.restart,
  };
}

/** The longest wait for an item, in ms. */
function idleTimeoutOf({ idleTimeout, timeout }: ClientFlags): number {
  return idleTimeout ?? (timeout < Infinity ? timeout : DEFAULT_IDLE_MS);
}

/** What the advice on a call is about that has failed after this time. */
export function subjectOf(
  queue: string,
  flags: ClientFlags,
  latencyMs: number,
): CallSubject {
  const { stream, timeout, idleTimeout, restart } = flags;
  const canSkip = stream && restart === "abort";
  const hasIdleLimit = stream && (idleTimeout !== null || timeout === Infinity);
  return hasIdleLimit && latencyMs < timeout
    ? {
      queue,
      timeoutMs: idleTimeoutOf(flags),
      timeoutFlag: "--idle-timeout",
      canSkip,
    }
    : { queue, timeoutMs: timeout, canSkip };
}

function requestOptions(flags: ClientFlags) {
  return {
    wait: flags.wait === true,
    requireConsumer: flags.wait === false,
    headers: flags.header,
    type: flags.type,
    contentType: flags.contentType,
    persistent: flags.persistent,
    priority: flags.priority,
  };
}
