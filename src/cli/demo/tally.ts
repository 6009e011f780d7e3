/**
 * Counts the calls of the demo and their outcomes.
 *
 * @module
 */
import { RpcError } from "../../rpc/errors.ts";
import type { RpcReply } from "../../rpc/messages.ts";
import { PID_HEADER } from "./server.ts";
import { CliError, EXIT } from "../exit_status.ts";

/** Counts each call when it is sent, and again when it ends. */
export class DemoTally {
  #sent = 0;
  readonly #answered = new Map<string, number>();
  readonly #failed = new Map<string, number>();

  /** Counts a call and its outcome. */
  async count(call: Promise<RpcReply>): Promise<RpcReply> {
    this.#sent++;
    try {
      const reply = await call;
      increment(this.#answered, String(reply.headers[PID_HEADER]));
      return reply;
    } catch (error) {
      increment(this.#failed, RpcError.from(error).code);
      throw error;
    }
  }

  /** All counts in one sentence. */
  summary(): string {
    const answers = [...this.#answered]
      .map(([pid, count]) => `${count} by server ${pid}`).join(", ");
    const errors = [...this.#failed]
      .map(([code, count]) => `${count} ${code}`).join(", ");
    return `${this.#sent} calls: ${sum(this.#answered)} answered ` +
      `(${answers}), ${sum(this.#failed)} failed as they should (${errors}).`;
  }

  /** @throws {CliError} if a call has no outcome. */
  check(): void {
    const ended = sum(this.#answered) + sum(this.#failed);
    if (ended === this.#sent) return;
    throw new CliError(
      EXIT.bug,
      `the demo went wrong: ${this.#sent} calls sent, ${ended} ended`,
    );
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sum(counts: Map<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
