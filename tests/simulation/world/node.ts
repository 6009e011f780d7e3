// What clients and servers have in common: a machine that may be started
// again, a way to the broker, and connections over it.

import { Connection } from "../engine/connection.ts";
import type { Loop } from "../engine/loop.ts";
import type { Machine, Table } from "../engine/machine.ts";
import { type Ending, streamError } from "../engine/pipe.ts";
import type { Route } from "../engine/route.ts";
import {
  AmqpTransport,
  type ByteStream,
  type ConnectionEvent,
  connectSettings,
  type Dial,
} from "../product.ts";
import type { Book } from "../rules/book.ts";
import type { StreamBook } from "../rules/stream_book.ts";
import { Monitor, type MonitorHooks } from "../wire/monitor.ts";
import type { BrokerHost } from "./broker_host.ts";

const CONNECT_TIMEOUT_MS = 3_000;

/** A connection, and what is known of it. */
export interface Watched {
  readonly connection: Connection;
  readonly monitor: Monitor;
}

/** Where all that happens is written down. */
export interface Books {
  readonly book: Book;
  readonly streams: StreamBook;
}

/** What a node needs of its world. */
export interface NodeHost {
  readonly loop: Loop;
  readonly broker: BrokerHost;
  newMachine(name: string): Machine;
  tell(who: string, what: string): void;
  monitorHooks(who: string): MonitorHooks;
  onConnection(who: string, event: ConnectionEvent): void;
  /** Asks for a connection, as so often within the last second. */
  dialed(who: string, timesInASecond: number): void;
}

/** A client or a server, through all its lives. */
export class Node {
  readonly name: string;
  readonly route: Route;
  protected readonly host: NodeHost;
  readonly #heartbeatMs: number;
  #lives = 0;
  #machine: Machine;
  /** Of this life, the newest last. */
  #connections: Watched[] = [];
  /** Tables that the newest connection was made with. */
  #connectionTables: readonly Table[] = [];
  /** Connects that were asked for of late, in ms. */
  #dialsMs: number[] = [];
  /** Who waits for the process to be up again. */
  #whenUp: (() => void)[] = [];

  constructor(
    host: NodeHost,
    name: string,
    heartbeatMs: number,
    route: Route,
  ) {
    this.host = host;
    this.name = name;
    this.#heartbeatMs = heartbeatMs;
    this.route = route;
    this.#machine = host.newMachine(name);
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** Timers that have yet to fire. */
  get timers(): number {
    return this.#machine.timers;
  }

  /** Which life it is, from 0. */
  get lives(): number {
    return this.#lives;
  }

  /** The newest connection, where there was one. */
  get watched(): Watched | undefined {
    return this.#connections.at(-1);
  }

  /** Entries of the largest table of the newest connection. */
  get connectionEntries(): number {
    return Math.max(0, ...this.#connectionTables.map(({ size }) => size));
  }

  /** Conditions of the way have changed. */
  routeChanged(): void {
    for (const { connection } of this.#connections) connection.changed();
  }

  /** The process ends without a word. */
  protected die(ending: Ending): void {
    this.#machine.kill();
    for (const { connection } of this.#connections) {
      if (!connection.client.isClosed) connection.died("client", ending);
    }
    this.#connections = [];
    this.#connectionTables = [];
    this.#dialsMs = [];
  }

  /** A new process in its place, after so long. */
  protected rise(downMs: number, start: () => void): void {
    this.#lives++;
    const { clockMs } = this.#machine;
    this.#machine = this.host.newMachine(`${this.name}.${this.#lives}`);
    this.#machine.clockMs = clockMs;
    this.#machine.after(downMs, () => {
      this.host.tell(this.name, "is up");
      start();
      for (const onUp of this.#whenUp.splice(0)) onUp();
    });
  }

  /** Calls back when the process is up again, in whichever life. */
  protected onceUp(onUp: () => void): void {
    this.#whenUp.push(onUp);
  }

  protected newTransport(): AmqpTransport {
    return new AmqpTransport(connectSettings("amqp://guest:guest@broker", {
      name: this.name,
      heartbeatMs: this.#heartbeatMs,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      dial: this.#dial,
      onEvent: (event) => this.host.onConnection(this.name, event),
    }));
  }

  readonly #dial: Dial = (_, signal) => {
    signal.throwIfAborted();
    this.#noteDial();
    const { promise, resolve, reject } = Promise.withResolvers<ByteStream>();
    signal.addEventListener("abort", () => reject(signal.reason));
    const { up, down } = this.route;
    const machine = this.#machine;
    machine.after(up.latencyMs + down.latencyMs, () => {
      if (signal.aborted || this.route.dialing === "ignored") return;
      const { broker } = this.host.broker;
      if (broker === undefined || this.route.dialing === "refused") {
        this.host.tell(this.name, "connection refused");
        return reject(streamError("ConnectionRefused", "ECONNREFUSED"));
      }
      resolve(this.#connect(machine) as unknown as ByteStream);
    });
    return promise;
  };

  #noteDial(): void {
    const { nowMs } = this.host.loop;
    this.#dialsMs = this.#dialsMs.filter((atMs) => atMs > nowMs - 1_000);
    this.#dialsMs.push(nowMs);
    this.host.dialed(this.name, this.#dialsMs.length);
  }

  #connect(machine: Machine): Connection["client"] {
    const { loop, broker } = this.host;
    const monitor = new Monitor(this.host.monitorHooks(this.name));
    const random = machine.random.fork(
      `connection ${this.#connections.length}`,
    );
    const connection = new Connection(
      loop,
      machine,
      broker.machine,
      this.route,
      random,
      monitor,
    );
    if (this.route.dialing === "half-open") connection.silence();
    broker.accept(connection);
    this.#connections.push({ connection, monitor });
    this.host.tell(this.name, "connection made");
    const made = machine.tables.length;
    machine.soon(() => this.#connectionTables = machine.tables.slice(made));
    return connection.client;
  }
}
