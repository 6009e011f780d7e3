/**
 * What both ways to serve a command have in common.
 *
 * @module
 */
import { RpcError } from "../../rpc/errors.ts";
import { DEFAULT_MAX_REPLY_BYTES } from "../service.ts";

/** How commands run. */
export interface ExecOptions {
  /** Gets what children write to stderr, line by line. */
  log: (line: string) => void;
  /**
   * Requests at once; where each has a process of its own, those that are
   * being ended count as well.
   *
   * @default {navigator.hardwareConcurrency}
   */
  concurrency?: number;
  /**
   * A longer reply is an error.
   *
   * @default {16777216}
   */
  maxReplyBytes?: number;
}

/** The options, complete. */
export function execSettings(options: ExecOptions): Required<ExecOptions> {
  return {
    log: options.log,
    concurrency: options.concurrency ?? navigator.hardwareConcurrency,
    maxReplyBytes: options.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES,
  };
}

/** The error for a command whose reply is too long. */
export function replyTooLong(name: string, maxReplyBytes: number): RpcError {
  return new RpcError(
    "resource_exhausted",
    `the reply of "${name}" is longer than the limit of ${maxReplyBytes} bytes`,
  );
}
