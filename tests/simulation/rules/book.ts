// The books of a history: every call, what became of it, where it ran.

import type { PlannedCall, Work } from "../plan_calls.ts";
import { RpcError } from "../product.ts";
import { ENDED_TWICE } from "../../rules/ends.ts";
import type { End } from "../../rules/records.ts";
import { rightAnswer } from "../items.ts";
import {
  type Beginning,
  type DrainingServer,
  newStream,
  type SimulatedCall,
  type SimulatedRun,
} from "./records.ts";

/** What the books need and tell. */
export interface BookHooks {
  now(): number;
  tell(who: string, what: string): void;
  violation(rule: string, what: string): void;
  /** Judge what has just happened. */
  onEnd(call: SimulatedCall): void;
  onRun(call: SimulatedCall, run: SimulatedRun, beginning: Beginning): void;
  /** Nobody waits for it any more. */
  onForgotten(call: SimulatedCall): void;
  onCalledOff(run: SimulatedRun, earlyMs: number): void;
  onDraining(server: DrainingServer): void;
  onStopped(server: string, inHand: number): void;
  onServerFailed(server: string, error: unknown): void;
}

/** Keeps the books. */
export class Book {
  readonly #plans: ReadonlyMap<number, PlannedCall>;
  readonly #calls = new Map<number, SimulatedCall>();
  readonly #answeredFor = new Set<string>();
  readonly #hooks: BookHooks;
  readonly #closing = new Set<string>();
  readonly #canceled = new Map<string, number>();
  #open = 0;

  constructor(plans: readonly PlannedCall[], hooks: BookHooks) {
    this.#plans = new Map(plans.map((it) => [it.number, it]));
    this.#hooks = hooks;
  }

  get calls(): SimulatedCall[] {
    return [...this.#calls.values()];
  }

  /** Calls that have not ended. */
  get open(): number {
    return this.#open;
  }

  /** When the last of their deadlines has passed. */
  get dueMs(): number {
    return Math.max(
      0,
      ...this.calls.map(({ startMs, planned: { options } }) =>
        startMs + options.timeoutMs
      ),
    );
  }

  workOf(number: number): Work {
    return this.#plans.get(number)!.work;
  }

  started(planned: PlannedCall, client: string): void {
    const { number, options, abortAfterMs, stream } = planned;
    this.#open++;
    this.#calls.set(number, {
      planned,
      number,
      options,
      abortAfterMs,
      client,
      startMs: this.#hooks.now(),
      isForgotten: false,
      runs: [],
      deliveries: 0,
      attempts: planned.stream ? 1 : 0,
      stream: planned.stream && newStream(planned.stream, this.#hooks.now()),
    });
    const told = { ...options, abortAfterMs, queue: planned.queue, stream };
    this.#hooks.tell(client, `call ${number} starts ${JSON.stringify(told)}`);
  }

  ended(number: number, text: string, body: string): void {
    this.#end(number, {
      type: "answer",
      isRight: text === rightAnswer(this.workOf(number), number, body),
    });
  }

  /** A stream has ended well, or its reader has left it. */
  streamEnded(number: number, hasLeft: boolean): void {
    this.#calls.get(number)!.stream!.hasLeft = hasLeft;
    this.#end(number, { type: "answer", isRight: true });
  }

  failed(number: number, error: unknown): void {
    this.#end(
      number,
      error instanceof RpcError
        ? { type: "error", error }
        : { type: "untyped", what: `${error}` },
    );
  }

  /** A client closes its connection: its calls may end with that. */
  closing(client: string): void {
    this.#closing.add(client);
  }

  /** It has: none of its calls is open any more. */
  closed(client: string, timers: number): void {
    this.#closing.delete(client);
    const open = this.calls.filter((call) =>
      call.client === client && !call.end && !call.isForgotten &&
      call.stream?.isWaiting !== false
    );
    for (const { planned: { number } } of open) {
      const what = `call ${number} is open, and ${client} has closed`;
      this.#hooks.violation("one end", what);
    }
    if (timers === 0) return;
    const what = `${client} has closed, and has ${timers} timers left`;
    this.#hooks.violation("nothing is left", what);
  }

  isClosing(client: string): boolean {
    return this.#closing.has(client);
  }

  /** A process that ends knows nothing any more. */
  forgetAborts(server: string): void {
    for (const key of this.#canceled.keys()) {
      if (key.startsWith(`${server} `)) this.#canceled.delete(key);
    }
    for (const { runs } of this.#calls.values()) {
      for (const run of runs.filter(({ node }) => node === server)) {
        run.isDead = true;
        run.endMs ??= this.#hooks.now();
      }
    }
  }

  /** A client has crashed. */
  forget(client: string): void {
    this.#closing.delete(client);
    for (const call of this.#calls.values()) {
      if (call.client !== client || call.end || call.isForgotten) continue;
      call.isForgotten = true;
      this.#open--;
      this.#hooks.onForgotten(call);
    }
  }

  /** A procedure starts. */
  began(number: number, beginning: Beginning): SimulatedRun {
    const { server, life, request } = beginning;
    const call = this.#calls.get(number);
    const run: SimulatedRun = {
      call: number,
      node: server,
      ordinal: call?.runs.length ?? 0,
      isDead: false,
      bytes: 0,
      server: `${server}.${life}`,
      messageId: request.messageId,
      correlationId: request.correlationId,
      startMs: this.#hooks.now(),
      isDone: false,
      isCalledOff: false,
      isUnanswered: false,
    };
    this.#hooks.tell(server, `runs call ${number}`);
    if (call === undefined) {
      this.#hooks.violation("no inventions", `call ${number} was not made`);
      return run;
    }
    this.#hooks.onRun(call, run, beginning);
    call.runs.push(run);
    return run;
  }

  attempted(number: number, attempt: number): void {
    this.#calls.get(number)!.attempts = attempt;
  }

  /** Requests of a client that may wait for their replies. */
  mayWait(client: string): number {
    let attempts = 0;
    for (const call of this.#calls.values()) {
      const isOpen = call.client === client && !call.end && !call.isForgotten;
      if (isOpen) attempts += call.attempts;
    }
    return attempts;
  }

  /** A server hears that a call was aborted. */
  canceledOn(server: string, correlationId: string): void {
    this.#canceled.set(`${server} ${correlationId}`, this.#hooks.now());
  }

  /** Whether a server has heard of the abort before the request came. */
  isCanceled({ node, correlationId }: SimulatedRun): boolean {
    const canceledMs = this.#canceled.get(`${node} ${correlationId}`);
    return canceledMs !== undefined && canceledMs < this.#hooks.now();
  }

  call(number: number): SimulatedCall | undefined {
    return this.#calls.get(number);
  }

  /** The broker has a reply, or refuses it: no more can be done. */
  answeredFor(correlationId: string): void {
    this.#answeredFor.add(correlationId);
    for (const { runs } of this.#calls.values()) {
      for (const run of runs) {
        if (run.correlationId === correlationId) run.isUnanswered = false;
      }
    }
  }

  /** A server has lost its connection, and with it what was not confirmed. */
  disconnected(server: string): void {
    for (const { runs } of this.#calls.values()) {
      for (const run of runs) {
        const { correlationId = "" } = run;
        if (run.node !== server || this.#answeredFor.has(correlationId)) {
          continue;
        }
        run.isUnanswered = true;
      }
    }
  }

  delivered(number: number): void {
    const call = this.#calls.get(number);
    if (call) call.deliveries++;
  }

  ran(run: SimulatedRun): void {
    run.isDone = true;
    run.endMs ??= this.#hooks.now();
    this.#hooks.tell(run.node, `has run call ${run.call}`);
  }

  /** `earlyMs`: what is left of the grace of a server that was told to stop. */
  toldToEnd(run: SimulatedRun, earlyMs = 0): void {
    run.isCalledOff = true;
    run.endMs ??= this.#hooks.now();
    this.#hooks.onCalledOff(run, earlyMs);
    this.#hooks.tell(run.node, `is told to end call ${run.call}`);
  }

  draining(server: DrainingServer): void {
    this.#hooks.onDraining(server);
  }

  late(what: string): void {
    this.#hooks.violation("drain", what);
  }

  stopped(server: string, inHand: number): void {
    this.#hooks.onStopped(server, inHand);
  }

  serverFailed(server: string, error: unknown): void {
    this.#hooks.tell(server, `has failed: ${error}`);
    this.#hooks.onServerFailed(server, error);
  }

  #end(number: number, end: End): void {
    const call = this.#calls.get(number)!;
    const told = end.type === "answer"
      ? end.isRight ? "the right answer" : "a wrong answer"
      : end.type === "error"
      ? `${end.error}`
      : end.what;
    this.#hooks.tell(call.client, `call ${number} ends with ${told}`);
    if (call.end) {
      const { rule, what } = ENDED_TWICE;
      return this.#hooks.violation(rule, `call ${number} ${what}`);
    }
    call.end = end;
    call.endMs = this.#hooks.now();
    this.#open--;
    this.#hooks.onEnd(call);
  }
}
