/**
 * Options of both ways to serve a command.
 *
 * @module
 */
import { DEFAULT_MAX_REPLY_BYTES } from "../service.ts";

/** How commands run. */
export interface ExecOptions {
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

/** The options with their defaults. */
export function execSettings(options: ExecOptions): Required<ExecOptions> {
  return {
    log: options.log,
    concurrency: options.concurrency ?? navigator.hardwareConcurrency,
    maxReplyBytes: options.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES,
  };
}
