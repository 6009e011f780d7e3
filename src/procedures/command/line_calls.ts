/**
 * The requests that a long-running child has, or is to have, by their ids.
 *
 * @module
 */
import type { RpcError } from "../../rpc/errors.ts";
import { quote } from "../../rpc/texts.ts";
import { replyTooLong } from "./exec_options.ts";
import {
  answerResult,
  InvalidAnswer,
  parseAnswerLine,
} from "./line_protocol.ts";
import type { Line } from "./lines.ts";

/** A request without an answer. */
interface LineCall {
  /** The line that asks for it. */
  readonly encode: (id: string) => Uint8Array;
  readonly reply: PromiseWithResolvers<Uint8Array>;
  sent: boolean;
}

/** Requests in the order in which they came; the ids count them. */
export class LineCalls {
  readonly #name: string;
  readonly #maxReplyBytes: number;
  readonly #calls = new Map<string, LineCall>();
  #lastId = 0;
  #answered = 0;

  /** `name` is that of the command. */
  constructor(name: string, maxReplyBytes: number) {
    this.#name = name;
    this.#maxReplyBytes = maxReplyBytes;
  }

  /** So many requests have been answered. */
  get answered(): number {
    return this.#answered;
  }

  /** Adds a request, until it is answered or its signal fires. */
  add(
    encode: (id: string) => Uint8Array,
    signal: AbortSignal,
  ): { id: string; reply: Promise<Uint8Array> } {
    const id = String(++this.#lastId);
    const reply = Promise.withResolvers<Uint8Array>();
    this.#calls.set(id, { encode, reply, sent: false });
    return { id, reply: this.#settled(id, reply, signal) };
  }

  /** The ids of those that no child has. */
  unsent(): string[] {
    return [...this.#calls].filter(([, { sent }]) => !sent).map(([id]) => id);
  }

  /** The line of a request that is sent now; undefined where it is over. */
  take(id: string): Uint8Array | undefined {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    call.sent = true;
    try {
      return call.encode(id);
    } catch (error) {
      call.reply.reject(error);
    }
  }

  /**
   * Takes a line of the child's; returns what is wrong with it. A caller whose
   * answer is none hears of it at once, where its id can be read.
   */
  answer(line: Line): string | undefined {
    const answer = parseAnswerLine(line);
    const isBad = "why" in answer;
    const call = this.#calls.get(answer.id ?? "");
    if (call?.sent) {
      const result = () => {
        if (isBad) throw new InvalidAnswer(this.#name, answer.why);
        return answerResult(answer, this.#name);
      };
      return this.#settle(call.reply, result, line);
    }
    if (isBad) return this.#complaint(answer.why, line);
    if (this.#isOver(answer.id)) return undefined;
    return `${this.#name}: answered a request that it was never sent: ` +
      quote(answer.id);
  }

  #complaint(why: string, { text }: Line): string {
    return `${this.#name}: wrote an invalid answer (${why}): ` +
      quote(text);
  }

  /** Ends those that were sent with this error, or all of them. */
  abort(error: RpcError, all: boolean): void {
    for (const { sent, reply } of this.#calls.values()) {
      if (sent || all) reply.reject(error);
    }
  }

  async #settled(
    id: string,
    reply: PromiseWithResolvers<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const abort = () => {
      // At once: it may be about to be sent.
      this.#calls.delete(id);
      reply.reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      return await reply.promise;
    } finally {
      this.#calls.delete(id);
      signal.removeEventListener("abort", abort);
    }
  }

  #settle(
    reply: PromiseWithResolvers<Uint8Array>,
    result: () => Uint8Array,
    line: Line,
  ): string | undefined {
    this.#answered++;
    try {
      const bytes = result();
      if (bytes.length > this.#maxReplyBytes) {
        throw replyTooLong(this.#name, this.#maxReplyBytes);
      }
      reply.resolve(bytes);
    } catch (error) {
      reply.reject(error);
      if (error instanceof InvalidAnswer) {
        return this.#complaint(error.why, line);
      }
    }
  }

  /** Whether a request had this id, and has been answered or given up. */
  #isOver(id: string): boolean {
    return /^[1-9]\d{0,15}$/.test(id) && Number(id) <= this.#lastId &&
      !this.#calls.has(id);
  }
}
