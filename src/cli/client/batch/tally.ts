/**
 * How a batch goes, and how it went.
 *
 * @module
 */
import type { RpcError } from "../../../rpc/errors.ts";
import { formatMs } from "../../../rpc/texts.ts";
import { EXIT, exitStatusOf } from "../../exit_status.ts";

/** Counts outcomes. */
export class Tally {
  #done = 0;
  #bytes = 0;
  #failed = 0;
  readonly #failuresByCode = new Map<string, number>();
  readonly #statuses = new Set<number>();

  /** Counts one, of a request that took so many bytes of the input. */
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

  /** Requests that are over, failed ones included. */
  get done(): number {
    return this.#done;
  }

  /** Those that failed. */
  get failed(): number {
    return this.#failed;
  }

  /** What the requests that are over took of the input. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What all failures have in common, or 3 where some went well. */
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

/** `1 request`, `1,000 requests`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}
