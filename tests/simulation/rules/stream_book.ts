// The books of streams: what was made, and what was read.

import type { Item } from "../../rules/streams.ts";
import { readItem, rightAnswer } from "../items.ts";
import type { Book } from "./book.ts";
import type { SimulatedCall, SimulatedRun } from "./records.ts";
import type { StreamJudge } from "./stream_judge.ts";

/** What these books need and tell. */
export interface StreamBookHooks {
  now(): number;
  tell(who: string, what: string): void;
  violation(rule: string, what: string): void;
}

/** Keeps the books of streams. */
export class StreamBook {
  readonly #book: Book;
  readonly #judge: StreamJudge;
  readonly #hooks: StreamBookHooks;
  readonly #byId = new Map<string, SimulatedCall>();

  constructor(book: Book, judge: StreamJudge, hooks: StreamBookHooks) {
    this.#book = book;
    this.#judge = judge;
    this.#hooks = hooks;
  }

  /** A request is sent. */
  requested(correlationId: string, number: number): void {
    const call = this.#book.call(number);
    if (call?.stream) this.#byId.set(correlationId, call);
  }

  /** A client is given a message. */
  heard(correlationId: string): void {
    const { stream } = this.#byId.get(correlationId) ?? {};
    if (stream) stream.heardMs = this.#hooks.now();
  }

  /** The reader waits for an item. */
  waits(number: number): void {
    const stream = this.#book.call(number)!.stream!;
    stream.waitingMs = this.#hooks.now();
    stream.isWaiting = true;
  }

  /** The reader is given an item. */
  item(number: number, text: string, request: string): void {
    const call = this.#book.call(number)!;
    const stream = call.stream!;
    const item = this.#read(call, text, request);
    this.#judge.item(call, stream, item);
    stream.isWaiting = false;
    stream.items++;
    stream.bytes += text.length;
    if (item.variant !== 0) stream.variant = item.variant;
    this.#hooks.tell(call.client, `stream ${number} gives item ${item.index}`);
  }

  #read(
    { number, planned: { work } }: SimulatedCall,
    text: string,
    request: string,
  ): Item {
    if (work.type === "items") return readItem(text, work);
    const isWhole = text === rightAnswer(work, number, request);
    return { call: number, index: 0, variant: 0, isWhole };
  }

  /** Something came after the end. */
  revived(number: number): void {
    this.#hooks.violation("one end", `stream ${number} goes on after its end`);
  }

  /** The caller is told of progress. */
  progressed(number: number, value: unknown): void {
    const call = this.#book.call(number);
    const isRight = typeof value === "number" && value >= 0;
    if (call && isRight && (call.stream || !call.end)) return;
    this.#hooks.violation("progress", `call ${number} is told ${value}`);
  }

  /** A procedure is asked for an item. */
  asked(run: SimulatedRun, index: number): void {
    this.#judge.asked(this.#book.call(run.call)!, run, index);
  }

  /** It gives it. */
  made(run: SimulatedRun, index: number, body: string): void {
    run.bytes += body.length;
    this.#hooks.tell(run.node, `call ${run.call} makes item ${index}`);
  }

  /** It gives nothing from now on. */
  hangs(run: SimulatedRun): void {
    const call = this.#book.call(run.call)!;
    if (call.stream) this.#judge.hangs(call, run);
  }
}
