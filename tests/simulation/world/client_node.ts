// A client: makes the calls that are planned for it.

import type { Ending } from "../engine/pipe.ts";
import type { Route } from "../engine/route.ts";
import { requestBody } from "../../chaos/calls.ts";
import {
  LARGE_BYTES,
  type PlannedCall,
  type PlannedStream,
} from "../plan_calls.ts";
import { type CallOptions, RpcConnection } from "../product.ts";
import type { Book } from "../rules/book.ts";
import type { StreamBook } from "../rules/stream_book.ts";
import { type Books, Node, type NodeHost } from "./node.ts";
import { read } from "./stream_reader.ts";

/** A client. */
export class ClientNode extends Node {
  readonly #book: Book;
  readonly #streams: StreamBook;
  #rpc: RpcConnection | undefined;
  /** Tables that were made before any call. */
  #ownTables: readonly { readonly size: number }[] = [];
  /** What listens to signals of calls. */
  #listeners = 0;

  constructor(
    host: NodeHost,
    index: number,
    heartbeatMs: number,
    route: Route,
    { book, streams }: Books,
  ) {
    super(host, `client-${index}`, heartbeatMs, route);
    this.#book = book;
    this.#streams = streams;
    this.machine.soon(() => this.#start());
  }

  /** The process ends; calls of it have no end. */
  crash(ending: Ending, downMs: number, onUp: () => void): void {
    this.onceUp(onUp);
    this.#fall(ending, downMs);
  }

  #fall(ending: Ending, downMs: number): void {
    this.#rpc = undefined;
    this.#listeners = 0;
    this.die(ending);
    this.#book.forget(this.name);
    this.rise(downMs, () => this.#start());
  }

  /** Closes its connection, which ends its calls, and makes another. */
  reopen(onUp: () => void): void {
    const { machine } = this;
    const rpc = this.#rpc;
    if (rpc === undefined) return onUp();
    this.onceUp(onUp);
    machine.soon(async () => {
      this.host.tell(this.name, "closes");
      this.#rpc = undefined;
      this.#book.closing(this.name);
      await rpc.close();
      machine.after(1, () => {
        this.#book.closed(this.name, this.timers);
        this.#fall("fin", 0);
      });
    });
  }

  /** Makes a call, unless it is down. */
  call(planned: PlannedCall): void {
    const { number, queue, options, abortAfterMs, large } = planned;
    const rpc = this.#rpc;
    if (rpc === undefined) return;
    const aborting = abortAfterMs === undefined
      ? undefined
      : this.#abortAfter(abortAfterMs);
    const small = requestBody(number);
    const body = large ? small + "x".repeat(LARGE_BYTES) : small;
    this.#book.started(planned, this.name);
    if (planned.stream) {
      return this.#read(rpc, planned, planned.stream, body, aborting);
    }
    const onAttempt = (attempt: number) => {
      this.#book.attempted(number, attempt);
    };
    const onProgress = this.#onProgress(planned);
    rpc.call(queue, body, {
      ...options,
      ...onProgress,
      signal: aborting,
      onAttempt,
    }).then(
      (reply) => this.#book.ended(number, reply.text(), body),
      (error) => this.#book.failed(number, error),
    );
  }

  #onProgress({ number, progress }: PlannedCall): Pick<
    CallOptions,
    "onProgress"
  > {
    if (!progress) return {};
    return { onProgress: (it) => this.#streams.progressed(number, it) };
  }

  #read(
    rpc: RpcConnection,
    planned: PlannedCall,
    terms: PlannedStream,
    body: string,
    signal: AbortSignal | undefined,
  ): void {
    const { number, queue, options: { timeoutMs: _, ...options } } = planned;
    const { credit, creditBytes, idleTimeoutMs, timeoutMs, restart } = terms;
    const { machine } = this;
    const stream = rpc.stream(queue, body, {
      ...options,
      ...this.#onProgress(planned),
      credit,
      ...(creditBytes && { creditBytes }),
      idleTimeoutMs,
      ...(timeoutMs && { timeoutMs }),
      restart,
      signal,
    });
    void read(stream, terms, {
      sleep: (ms) => new Promise((resolve) => machine.after(ms, resolve)),
      waits: () => this.#streams.waits(number),
      item: (text) => this.#streams.item(number, text, body),
      ended: (hasLeft) => this.#book.streamEnded(number, hasLeft),
      failed: (error) => this.#book.failed(number, error),
      revived: () => this.#streams.revived(number),
    });
  }

  /** Calls that wait, as it counts them. */
  get pending(): number {
    return this.#rpc?.stats.inFlight ?? 0;
  }

  /** What is left in it when no call waits. */
  get leftOver(): number {
    const entries = this.#ownTables.reduce((sum, { size }) => sum + size, 0);
    return entries + this.#listeners;
  }

  /** Resolves when it has closed its connection. */
  async close(): Promise<void> {
    await this.#rpc?.close();
  }

  #start(): void {
    this.#rpc = new RpcConnection(this.newTransport());
    this.#ownTables = [...this.machine.tables];
  }

  #abortAfter(ms: number): AbortSignal {
    const aborting = new AbortController();
    const { signal } = aborting;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    const own = new Set<unknown>();
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      if (!own.has(args[1])) this.#listeners++;
      own.add(args[1]);
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      if (own.delete(args[1])) this.#listeners--;
      remove(...args);
    };
    this.machine.after(ms, () => {
      aborting.abort();
      // They were called, and are forgotten.
      this.#listeners -= own.size;
      own.clear();
    });
    return signal;
  }
}
