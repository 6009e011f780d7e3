/**
 * The open requests of a long-running child, by id.
 *
 * @module
 */
import { RpcError } from "../../rpc/errors.ts";
import { quote } from "../../rpc/texts.ts";
import { replyTooLarge } from "../../rpc/serving/request_limits.ts";
import { LineCall, type LineReply, type LineRequest } from "./line_call.ts";
import {
  type AnswerLine,
  answerPart,
  InvalidAnswer,
  parseAnswerLine,
} from "./line_protocol.ts";
import type { Line } from "./lines.ts";

/** The open requests, in order of arrival; ids count up. */
export class LineCalls {
  readonly #name: string;
  readonly #maxReplyBytes: number;
  readonly #onCanceled: (id: string) => void;
  readonly #calls = new Map<string, LineCall>();
  #lastId = 0;
  #answered = 0;
  /** Of the last item: while its stream is full, no other comes. */
  #last: LineCall | undefined;
  #wake: (() => void) | undefined;

  /**
   * `name` is the name of the command; `onCanceled` hears of streams that have
   * begun and are wanted no more.
   */
  constructor(
    name: string,
    maxReplyBytes: number,
    onCanceled: (id: string) => void,
  ) {
    this.#name = name;
    this.#maxReplyBytes = maxReplyBytes;
    this.#onCanceled = onCanceled;
  }

  /** How many answers, or parts of them, have come. */
  get answered(): number {
    return this.#answered;
  }

  /** Adds a request, until it is answered or its signal is aborted. */
  add(request: LineRequest): { id: string; reply: Promise<LineReply> } {
    const id = String(++this.#lastId);
    const call = new LineCall(request, {
      onTaken: () => this.#wake?.(),
      onClosed: (isCanceled) => {
        this.#calls.delete(id);
        if (isCanceled) this.#onCanceled(id);
      },
    });
    // Before it is closed, which it may be at once.
    this.#calls.set(id, call);
    call.listen();
    return { id, reply: call.reply };
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
      call.fail(RpcError.from(error));
    }
  }

  /** Whether a stream has so much waiting that the child has to wait. */
  get isFull(): boolean {
    return this.#last?.isFull ?? false;
  }

  /** Resolves when none has. */
  async room(): Promise<void> {
    while (this.isFull) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    this.#wake = undefined;
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
      this.#answered++;
      try {
        if (isBad) throw new InvalidAnswer(this.#name, answer.why);
        this.#take(call, answer, line.text.length);
      } catch (error) {
        call.fail(RpcError.from(error));
        if (!(error instanceof InvalidAnswer)) return;
        return this.#complaint(error.why, line);
      }
      return;
    }
    if (isBad) return this.#complaint(answer.why, line);
    if (this.#isClosed(answer.id)) return undefined;
    return `${this.#name}: answered an unknown request: ` +
      quote(answer.id);
  }

  /** Fails the requests that were sent, or all of them. */
  abort(error: RpcError, all: boolean): void {
    for (const call of [...this.#calls.values()]) {
      if (call.sent || all) call.fail(error);
    }
  }

  #take(call: LineCall, answer: AnswerLine, lineLength: number): void {
    const part = answerPart(answer, this.#name);
    if ("progress" in part) return call.progress(part.progress);
    if ("item" in part) {
      this.#last = call;
      return call.addItem(part.item, lineLength);
    }
    if ("end" in part) return call.end();
    if (call.isStream) {
      throw new InvalidAnswer(this.#name, "it has a body after items");
    }
    if (part.body.length > this.#maxReplyBytes) {
      throw replyTooLarge(part.body.length, this.#maxReplyBytes);
    }
    call.answer(part.body);
  }

  #complaint(why: string, { text }: Line): string {
    return `${this.#name}: invalid answer (${why}): ` +
      quote(text);
  }

  /** Whether a request had this id, and is closed. */
  #isClosed(id: string): boolean {
    return /^[1-9]\d{0,15}$/.test(id) && Number(id) <= this.#lastId &&
      !this.#calls.has(id);
  }
}
