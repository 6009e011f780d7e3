/**
 * Options of both ways to serve a command.
 *
 * @module
 */
import { DEFAULT_MAX_REPLY_BYTES } from "../service.ts";

/** How any command runs. */
export interface CommandOptions {
  /** Takes the lines that the command writes to stderr. */
  log: (line: string) => void;
  /**
   * How many requests run at once. If each has a process of its own, processes
   * that are being stopped count as well.
   *
   * @default {navigator.hardwareConcurrency}
   */
  concurrency?: number;
  /**
   * The largest body of a reply, in bytes.
   *
   * @default {16777216}
   */
  maxReplyBytes?: number;
}

/** How commands run that have a process for each request. */
export interface ExecOptions extends CommandOptions {
  /**
   * Makes stdout a stream of replies, each as it comes: the bytes of one read,
   * or a line with its newline.
   *
   * @default all of stdout is one reply
   */
  stream?: "chunks" | "lines";
}

/** The options with their defaults. */
export function execSettings(
  options: CommandOptions,
): Required<CommandOptions> {
  return {
    log: options.log,
    concurrency: options.concurrency ?? navigator.hardwareConcurrency,
    maxReplyBytes: options.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES,
  };
}
