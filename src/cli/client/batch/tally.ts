/**
 * Counts the outcomes of a batch.
 *
 * @module
 */
import type { RpcError } from "../../../rpc/errors.ts";
import { counted, formatCount, formatMs } from "../../../rpc/texts.ts";
import { EXIT, exitStatusOf } from "../../exit_status.ts";
import type { LogFlags } from "../../log.ts";

/** The counts, and the exit status and summary made from them. */
export class Tally {
  #done = 0;
  #bytes = 0;
  #failed = 0;
  readonly #failuresByCode = new Map<string, number>();
  readonly #statuses = new Set<number>();

  /** Counts the outcome of a request that was so many bytes of the input. */
  add(error: RpcError | undefined, bytes: number): void {
    this.#done++;
    this.#bytes += bytes;
    if (error === undefined) return;
    this.#failed++;
    this.#statuses.add(exitStatusOf(error));
    const { code } = error;
    const before = this.#failuresByCode.get(code) ?? 0;
    this.#failuresByCode.set(code, before + 1);
  }

  /** Requests with an outcome, including those that failed. */
  get done(): number {
    return this.#done;
  }

  /** Requests that failed. */
  get failed(): number {
    return this.#failed;
  }

  /** Bytes of the input that have an outcome. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The status of the failures if all requests failed alike, else 3. */
  get status(): number {
    if (this.#failed === 0) return EXIT.ok;
    const [status] = this.#statuses;
    const alike = this.#failed === this.#done && this.#statuses.size === 1;
    return alike ? status! : EXIT.partly;
  }

  /** `1,000 requests in 2.1s (476/s): 998 answered, 2 failed (internal)`. */
  summary(elapsedMs: number): string {
    const rate = Math.round(this.#done / elapsedMs * 1000);
    const elapsed = formatMs(Math.round(elapsedMs / 10) * 10);
    const answered = this.#done - this.#failed;
    return `${counted(this.#done, "request")} in ${elapsed} ` +
      `(${formatCount(rate)}/s): ${formatCount(answered)} answered, ` +
      `${formatCount(this.#failed)} failed${this.#failures()}`;
  }

  #failures(): string {
    if (this.#failed === 0) return "";
    const counts = [...this.#failuresByCode]
      .map(([code, count]) => `${formatCount(count)} ${code}`);
    return ` (${counts.join(", ")})`;
  }
}

/** Whether to print a summary. */
export function wantsSummary(
  { quiet, verbose }: Pick<LogFlags, "quiet" | "verbose">,
): boolean {
  return !quiet && (Boolean(verbose) || Deno.stderr.isTerminal());
}
