// What the processes of a chaos run are told, and the lines that they print.

import type { CallTerms, End } from "../rules/records.ts";

/** How every process connects. */
export interface ConnectionArguments {
  /** Those of all nodes: the first that answers is taken. */
  urls: string[];
  /** The name that the broker shows. */
  name: string;
  queue: string;
  heartbeatMs: number;
}

/** The argument of server.ts, as JSON. */
export interface ServerArguments extends ConnectionArguments {
  queueType: "classic" | "quorum";
  concurrency: number;
}

/** The argument of client.ts, as JSON. */
export interface ClientArguments extends ConnectionArguments {
  /** The calls: `first`, `first + step`, ... up to `last`. */
  first: number;
  last: number;
  step: number;
  /** Calls under way at most. */
  concurrency: number;
  /** Calls started in a second at most. */
  ratePerSecond: number;
  /** The share of calls without retries, from 0 to 1. */
  plainShare: number;
}

/** How one call was made, and how it ended. Times are of the wall clock. */
export interface OutcomeLine {
  type: "outcome";
  call: number;
  options: CallTerms;
  startMs: number;
  endMs: number;
  attempts: number;
  end: End;
}

/** A procedure starts. */
export interface ExecutionLine {
  type: "execution";
  call: number;
  startMs: number;
  messageId?: string | undefined;
  correlationId?: string | undefined;
}

/** It has its result; or it was told to end, and then has none. */
export interface ExecutedLine {
  type: "executed";
  call: number;
  correlationId?: string | undefined;
  isCalledOff: boolean;
}

/** The process takes requests from now on. */
export interface ConsumingLine {
  type: "consuming";
}

/** The broker accepts no messages from this process for now. */
export interface BlockedLine {
  type: "blocked";
}

/** The process has done all it had to do, and this is left in its tables. */
export interface EndLine {
  type: "end";
  left: number;
  /** Replies that nobody waited for any more. */
  unknownReplies: number;
}

/** A line on the stdout of a process. */
export type Line =
  | OutcomeLine
  | ExecutionLine
  | ExecutedLine
  | ConsumingLine
  | BlockedLine
  | EndLine;

/**
 * Writes a line at once: what was said before a kill -9 has been said. A pipe
 * takes so short a line whole or not at all.
 */
export function say(line: Line): void {
  const bytes = new TextEncoder().encode(JSON.stringify(line) + "\n");
  for (let sent = 0; sent < bytes.length;) {
    sent += Deno.stdout.writeSync(bytes.subarray(sent));
  }
}
