// Everything that a history happens in.

import { Loop } from "../engine/loop.ts";
import { afterMicrotasks } from "../engine/globals.ts";
import { Machine } from "../engine/machine.ts";
import { Random } from "../engine/random.ts";
import { Route } from "../engine/route.ts";
import { type Plan, prefetchOf } from "../plan.ts";
import { LARGE_BYTES } from "../plan_calls.ts";
import type { ConnectionEvent } from "../product.ts";
import { Book } from "../rules/book.ts";
import { Judge } from "../rules/judge.ts";
import { QueueHistory } from "../rules/queue_history.ts";
import { StreamBook } from "../rules/stream_book.ts";
import { Troubles } from "../rules/troubles.ts";
import type { MonitorHooks } from "../wire/monitor.ts";
import { BrokerHost } from "./broker_host.ts";
import { ClientNode } from "./client_node.ts";
import type { Books, NodeHost } from "./node.ts";
import { ServerNode } from "./server_node.ts";

/** A rule that was broken. */
export interface Violation {
  readonly rule: string;
  readonly what: string;
  readonly atMs: number;
}

/** Connects of one process within a second; each call may ask for one. */
const MOST_DIALS = 40;

/** A world. */
export class World implements NodeHost, Books {
  readonly plan: Plan;
  readonly random: Random;
  readonly loop: Loop;
  /** Where faults come from. */
  readonly fate: Machine;
  readonly broker: BrokerHost;
  readonly clients: readonly ClientNode[];
  readonly servers: readonly ServerNode[];
  readonly troubles: Troubles;
  readonly book: Book;
  readonly streams: StreamBook;
  readonly judge: Judge;
  readonly violations: Violation[] = [];
  /** What happened, where it is kept. */
  readonly lines: string[] | undefined;
  readonly #queues: ReadonlyMap<string, QueueHistory>;
  readonly #correlationIds = new Set<string>();
  #machines = 0;

  constructor(plan: Plan, isTraced: boolean) {
    this.plan = plan;
    this.lines = isTraced ? [] : undefined;
    this.random = new Random(`world/${plan.seed}`);
    this.loop = new Loop(`order/${plan.seed}`, afterMicrotasks);
    this.loop.onError = ({ name }, error) => {
      this.violation("no uncaught errors", `${name}: ${describe(error)}`);
    };
    this.loop.afterStep = (machine) => this.#afterStep(machine);
    this.fate = this.newMachine("fate");
    this.troubles = new Troubles(() => this.loop.nowMs);
    this.#queues = new Map(
      plan.queues.map((name) => [name, new QueueHistory()]),
    );
    this.judge = new Judge({
      plan,
      book: () => this.book,
      troubles: this.troubles,
      queues: this.#queues,
      now: () => this.loop.nowMs,
      later: (ms, look) => void this.fate.after(ms, look),
      violation: (rule, what) => this.violation(rule, what),
    });
    this.book = this.#newBook();
    this.streams = new StreamBook(this.book, this.judge.streams, {
      now: () => this.loop.nowMs,
      tell: (who, what) => this.tell(who, what),
      violation: (rule, what) => this.violation(rule, what),
    });
    this.broker = new BrokerHost(
      plan.broker,
      plan.queues,
      () => this.newMachine("broker"),
    );
    this.broker.start();
    this.servers = plan.servers.map((server, i) =>
      new ServerNode(this, i, server, plan, this.#route(), this)
    );
    this.clients = plan.clients.map((heartbeatMs, i) =>
      new ClientNode(this, i, heartbeatMs, this.#route(), this)
    );
  }

  /** Both kinds. */
  get nodes(): (ClientNode | ServerNode)[] {
    return [...this.clients, ...this.servers];
  }

  newMachine(name: string): Machine {
    const id = ++this.#machines;
    const random = this.random.fork(name).fork(id);
    const machine = new Machine(this.loop, id, name, random);
    const { skewMs } = this.plan;
    machine.clockMs = Math.round((2 * random.next() - 1) * skewMs);
    return machine;
  }

  /** Something happened that a reader of the trace wants to know. */
  tell(who: string, what: string): void {
    if (this.lines === undefined) return;
    const at = this.loop.nowMs.toFixed(3).padStart(11);
    this.lines.push(`${at}  ${who.padEnd(9)} ${what}`);
  }

  violation(rule: string, what: string): void {
    this.tell("RULE", `broken: ${rule}: ${what}`);
    this.violations.push({ rule, what, atMs: this.loop.nowMs });
  }

  monitorHooks(who: string): MonitorHooks {
    return {
      trace: this.lines && ((line) => this.tell(who, line)),
      violation: (rule, what) => this.violation(rule, `${who}: ${what}`),
      prefetch: this.#prefetchOf(who),
      now: () => this.loop.nowMs,
      unroutable: (call) => {
        this.fate.soon(() => this.judge.unroutable(call));
      },
      canceled: (id) => this.book.canceledOn(who, id),
      requested: (request) => {
        this.judge.requested(request);
        const id = request.properties!.correlationId!;
        this.streams.requested(id, Number.parseInt(request.body ?? "", 10));
        // What a broker discards with a message that is too large is published
        // again.
        const { maxMessageSize } = this.plan.broker;
        const isNew = !this.#correlationIds.has(id) ||
          maxMessageSize < LARGE_BYTES;
        this.#correlationIds.add(id);
        return isNew;
      },
      heard: (id) => this.streams.heard(id),
      replied: (id) => this.book.answeredFor(id),
      delivered: (call) => this.book.delivered(call),
    };
  }

  onConnection(who: string, event: ConnectionEvent): void {
    const { type } = event;
    this.tell(who, type === "lost" ? `lost: ${event.error.message}` : type);
    if (type === "lost") this.book.disconnected(who);
  }

  dialed(who: string, timesInASecond: number): void {
    if (timesInASecond <= MOST_DIALS) return;
    this.violation("backoff", `${who} connects again and again`);
  }

  #prefetchOf(who: string): number {
    const server = this.servers.find(({ name }) => name === who);
    return server ? prefetchOf(server.planned.concurrency) : Infinity;
  }

  #route(): Route {
    const { latencyMs, jitterMs } = this.plan;
    return new Route(latencyMs, jitterMs);
  }

  #newBook(): Book {
    return new Book(this.plan.calls, {
      now: () => this.loop.nowMs,
      tell: (who, what) => this.tell(who, what),
      violation: (rule, what) => this.violation(rule, what),
      onEnd: (call) => {
        this.judge.ended(call);
        this.fate.soon(() => this.#checkPending(call.client));
      },
      onForgotten: (call) => this.judge.streams.gone(call),
      onRun: (call, run, beginning) => this.judge.run(call, run, beginning),
      onCalledOff: (run, earlyMs) => this.judge.calledOff(run, earlyMs),
      onDraining: (server) => this.judge.draining(server),
      onStopped: (server, inHand) => {
        if (inHand === 0) return;
        const what = `${server} has stopped with ${inHand} in hand`;
        this.violation("nothing is left", what);
      },
      onServerFailed: (server, error) => {
        const what = `${server} has failed: ${describe(error)}`;
        const isRefused = this.plan.faults.some(({ kind }) =>
          kind === "refuse-login"
        );
        if (!isRefused) this.violation("servers go on", what);
      },
    });
  }

  /** No call that has ended is kept. */
  #checkPending(name: string): void {
    const { pending = 0 } = this.clients.find((it) => it.name === name) ?? {};
    const most = this.book.mayWait(name);
    if (pending <= most) return;
    const what = `${name} has ${pending} requests that wait, of ${most}`;
    this.violation("nothing is left", what);
  }

  #afterStep(machine: Machine): void {
    if (machine !== this.broker.machine) return;
    for (const [name, history] of this.#queues) {
      const consumers = this.broker.queue(name)?.consumers.size;
      history.note(consumers, this.loop.nowMs);
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.stack}` : String(error);
}
