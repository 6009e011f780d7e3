// A server: does what is planned for each call.

import { answerTo, callNumber } from "../../chaos/calls.ts";
import type { Ending } from "../engine/pipe.ts";
import type { Table } from "../engine/machine.ts";
import type { Route } from "../engine/route.ts";
import {
  HANDLER_TIMEOUT_MS,
  type Plan,
  type PlannedServer,
  prefetchOf,
} from "../plan.ts";
import { type ItemsWork, LARGE_BYTES } from "../plan_calls.ts";
import {
  type AmqpTransport,
  delay,
  type Procedure,
  type RpcContext,
  RpcError,
  RpcServer,
} from "../product.ts";
import type { Book } from "../rules/book.ts";
import type { SimulatedRun } from "../rules/records.ts";
import { STOPPED_MS } from "../rules/judge.ts";
import type { StreamBook } from "../rules/stream_book.ts";
import type { Delivered } from "../wire/monitor.ts";
import { makeItems } from "./item_maker.ts";
import { type Books, Node, type NodeHost } from "./node.ts";

/** How long it waits for what runs when it is told to stop. */
export const GRACE_MS = 2_000;
/** And by then it has stopped, whatever the broker answers. */
const STOP_MS = 9_000;
/** A machine that was paused has so long to catch up. */
const CATCH_UP_MS = 3_000;
/** What starts a server again that was refused. */
const RESTART_MS = 2_000;

/** A server. */
export class ServerNode extends Node {
  readonly planned: PlannedServer;
  readonly #queueType: "classic" | "quorum";
  readonly #book: Book;
  readonly #streams: StreamBook;
  readonly #stallTimeoutMs: number | undefined;
  #transport: AmqpTransport | undefined;
  #server: RpcServer | undefined;
  #isStopping = false;
  /** When what runs may be called off. */
  #graceUntilMs = 0;
  /** Procedures that wait for a timer of their own. */
  #sleeping = 0;
  /** Since when it looks at what it is given. */
  #consumingMs = Infinity;
  #ownTables: readonly Table[] = [];

  constructor(
    host: NodeHost,
    index: number,
    planned: PlannedServer,
    { queueType, stallTimeoutMs }: Pick<Plan, "queueType" | "stallTimeoutMs">,
    route: Route,
    { book, streams }: Books,
  ) {
    super(host, `server-${index}`, planned.heartbeatMs, route);
    this.planned = planned;
    this.#queueType = queueType;
    this.#book = book;
    this.#streams = streams;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.machine.soon(() => this.#start());
  }

  /** Requests that it has and has not acknowledged. */
  get inHand(): number {
    return this.#server?.inFlight ?? 0;
  }

  /** What is left in its own tables when no request is in hand. */
  get leftOver(): number {
    return this.#ownTables.reduce((sum, it) => sum + unremembered(it), 0);
  }

  /** Timers that are not those of procedures. */
  override get timers(): number {
    return super.timers - this.#sleeping;
  }

  get isUp(): boolean {
    return this.#server !== undefined && !this.#isStopping;
  }

  /** The process ends without a word, and is started again. */
  crash(ending: Ending, downMs: number, onUp: () => void): void {
    this.onceUp(onUp);
    this.#fall(ending, downMs);
  }

  /** Is told to stop, does so, and is started again. */
  restart(onUp: () => void): void {
    const { machine } = this;
    if (!this.isUp) return onUp();
    this.onceUp(onUp);
    machine.soon(async () => {
      await this.stop();
      this.#book.stopped(this.name, this.inHand);
      this.#fall("fin", 0);
    });
  }

  /** Drains, and disconnects. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#graceUntilMs = this.machine.nowMs + GRACE_MS;
    this.host.tell(this.name, "told to stop");
    const server = this.#server;
    this.machine.after(STOPPED_MS, () => {
      if (server === undefined || this.#server !== server) return;
      this.#book.draining({
        name: this.name,
        queue: this.planned.queue,
        inHand: server.inFlight,
        unsettled: this.watched?.monitor.unsettled ?? 0,
      });
    });
    let late = this.machine.after(STOP_MS, () => {
      late = this.machine.after(CATCH_UP_MS, () => {
        this.#book.late(`${this.name} has not stopped in ${STOP_MS} ms`);
      });
    });
    await this.#server?.stop();
    late.canceled = true;
    await this.#transport?.close();
    this.host.tell(this.name, "stopped");
  }

  #start(): void {
    const { queue, concurrency } = this.planned;
    const { machine } = this;
    this.#transport = this.newTransport();
    this.#server = new RpcServer(this.#transport, queue, this.#procedure, {
      concurrency,
      prefetch: prefetchOf(concurrency),
      handlerTimeoutMs: HANDLER_TIMEOUT_MS,
      stallTimeoutMs: this.#stallTimeoutMs ?? 300_000,
      graceMs: GRACE_MS,
      declare: { type: this.#queueType },
      onEvent: ({ type }) => {
        this.host.tell(this.name, `event ${type}`);
        if (type === "consuming") this.#consumingMs = this.host.loop.nowMs;
      },
    });
    this.#ownTables = [...machine.tables];
    this.#server.finished.catch((error) => {
      if (this.machine !== machine) return;
      this.#book.serverFailed(this.name, error);
      this.#fall("fin", RESTART_MS);
    });
  }

  #fall(ending: Ending, downMs: number): void {
    this.#server = this.#transport = undefined;
    this.#sleeping = 0;
    this.#consumingMs = Infinity;
    this.#book.forgetAborts(this.name);
    this.die(ending);
    this.#isStopping = false;
    this.rise(downMs, () => this.#start());
  }

  #waiting(): Delivered[] {
    const { nowMs } = this.host.loop;
    const deliveries = this.watched?.monitor.deliveries ?? [];
    return deliveries.filter(({ atMs }) =>
      atMs > this.#consumingMs && atMs < nowMs
    );
  }

  readonly #procedure: Procedure = (request, context) => {
    const body = request.text();
    const number = callNumber(body);
    const run = this.#book.began(number, {
      server: this.name,
      life: this.lives,
      isStopping: this.#isStopping,
      concurrency: this.planned.concurrency,
      waiting: this.#waiting(),
      request,
      context,
    });
    const work = this.#book.workOf(number);
    if (work.type === "answer" && work.afterMs === 0) {
      return this.#done(run, answered(body, work.large));
    }
    this.#listen(run, context.signal);
    if (work.type === "items") return this.#items(run, work, context);
    return this.#work(run, body, context.signal);
  };

  #listen(run: SimulatedRun, signal: AbortSignal): void {
    signal.addEventListener("abort", () => {
      const earlyMs = this.#isStopping
        ? this.#graceUntilMs - this.machine.nowMs
        : 0;
      this.#book.toldToEnd(run, earlyMs);
    });
  }

  #items(
    run: SimulatedRun,
    work: ItemsWork,
    context: RpcContext,
  ): AsyncIterable<string> {
    return makeItems(work, run.call, run.ordinal, {
      sleep: (ms) => this.#sleep(ms),
      asked: (index) => this.#streams.asked(run, index),
      made: (index, body) => {
        this.#streams.made(run, index, body);
        context.progress(index);
      },
      hangs: () => {
        this.#streams.hangs(run);
        return new Promise((_, reject) => {
          const { signal } = context;
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
      over: () => this.#book.ran(run),
    });
  }

  async #work(
    run: SimulatedRun,
    body: string,
    signal: AbortSignal,
  ): Promise<string> {
    const work = this.#book.workOf(run.call);
    switch (work.type) {
      case "answer":
        await this.#sleep(work.afterMs);
        return this.#done(run, answered(body, work.large));
      case "throw":
        await this.#sleep(1);
        this.#done(run, undefined);
        throw new RpcError("failed_precondition", "as planned");
      case "never":
        await new Promise((_, reject) => {
          if (!work.heeds) return;
          signal.addEventListener("abort", () => reject(signal.reason));
        });
    }
    return "";
  }

  async #sleep(ms: number): Promise<void> {
    this.#sleeping++;
    await delay(ms);
    this.#sleeping--;
  }

  #done<T>(run: SimulatedRun, result: T): T {
    this.#book.ran(run);
    return result;
  }
}

/** All but what is remembered on purpose: ids, and what has an age. */
function unremembered(table: Table): number {
  let count = 0;
  for (const value of table.values()) {
    const isRemembered = typeof value === "string" ||
      typeof value === "object" && value !== null && "untilMs" in value;
    if (!isRemembered) count++;
  }
  return count;
}

function answered(body: string, isLarge: boolean): string {
  return answerTo(body) + (isLarge ? "x".repeat(LARGE_BYTES) : "");
}
