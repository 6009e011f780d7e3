/**
 * The open requests of a long-running child, by id.
 *
 * @module
 */
import type { RpcError } from "../../rpc/errors.ts";
import { quote } from "../../rpc/texts.ts";
import { replyTooLarge } from "../../rpc/serving/request_limits.ts";
import {
  answerResult,
  InvalidAnswer,
  parseAnswerLine,
} from "./line_protocol.ts";
import type { Line } from "./lines.ts";

/** An open request. */
interface LineCall {
  /** Makes the line that is sent to the child. */
  readonly encode: (id: string) => Uint8Array;
  readonly reply: PromiseWithResolvers<Uint8Array>;
  sent: boolean;
}

/** The open requests, in order of arrival; ids count up. */
export class LineCalls {
  readonly #name: string;
  readonly #maxReplyBytes: number;
  readonly #calls = new Map<string, LineCall>();
  #lastId = 0;
  #answered = 0;

  /** `name` is the name of the command. */
  constructor(name: string, maxReplyBytes: number) {
    this.#name = name;
    this.#maxReplyBytes = maxReplyBytes;
  }

  /** How many requests have been answered. */
  get answered(): number {
    return this.#answered;
  }

  /** Adds a request, until it is answered or its signal is aborted. */
  add(
    encode: (id: string) => Uint8Array,
    signal: AbortSignal,
  ): { id: string; reply: Promise<Uint8Array> } {
    const id = String(++this.#lastId);
    const reply = Promise.withResolvers<Uint8Array>();
    this.#calls.set(id, { encode, reply, sent: false });
    return { id, reply: this.#settled(id, reply, signal) };
  }

  /** The ids of requests that were not sent to a child yet. */
  unsent(): string[] {
    return [...this.#calls].filter(([, { sent }]) => !sent).map(([id]) => id);
  }

  /** Marks a request as sent, and returns its line; undefined if it is closed. */
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
   * Handles a line from the child. Returns a complaint for the log if it is not
   * a valid answer; if its id can be read, that request fails at once.
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
    if (this.#isClosed(answer.id)) return undefined;
    return `${this.#name}: answered an unknown request: ` +
      quote(answer.id);
  }

  #complaint(why: string, { text }: Line): string {
    return `${this.#name}: invalid answer (${why}): ` +
      quote(text);
  }

  /** Fails the requests that were sent, or all of them. */
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
      // At once, since it may be about to be sent.
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
        throw replyTooLarge(bytes.length, this.#maxReplyBytes);
      }
      reply.resolve(bytes);
    } catch (error) {
      reply.reject(error);
      if (error instanceof InvalidAnswer) {
        return this.#complaint(error.why, line);
      }
    }
  }

  /** Whether a request had this id, and is closed. */
  #isClosed(id: string): boolean {
    return /^[1-9]\d{0,15}$/.test(id) && Number(id) <= this.#lastId &&
      !this.#calls.has(id);
  }
}
