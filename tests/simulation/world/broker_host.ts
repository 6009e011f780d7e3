// The broker's machine. It may stop and start again: durable queues and
// persistent messages stay, the rest goes.

import type { Connection } from "../engine/connection.ts";
import type { Machine } from "../engine/machine.ts";
import {
  EmbeddedBroker,
  type Message,
  type Queue,
  settingsOf,
} from "../product.ts";
import type { BrokerLimits } from "../plan.ts";
import { Fields, readProperties } from "../wire/frames.ts";

type Settings = ReturnType<typeof settingsOf>;
type VHost = NonNullable<ReturnType<EmbeddedBroker["findVhost"]>>;
type Entry = NonNullable<ReturnType<Queue["get"]>>;

/** A queue as it is on disk. */
interface Stored {
  readonly name: string;
  readonly options: Queue["options"];
  readonly entries: { message: Message; redelivered: boolean }[];
}

/** The broker, through all its restarts. */
export class BrokerHost {
  readonly #settings: Settings;
  readonly #newMachine: () => Machine;
  readonly #queues: readonly string[];
  readonly #connections = new Set<Connection>();
  #machine: Machine;
  #broker: EmbeddedBroker | undefined;

  /** Not up yet. */
  constructor(
    limits: BrokerLimits,
    queues: readonly string[],
    newMachine: () => Machine,
  ) {
    this.#settings = settingsOf(limits);
    this.#queues = queues;
    this.#newMachine = newMachine;
    this.#machine = newMachine();
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** Undefined while it is down. */
  get broker(): EmbeddedBroker | undefined {
    return this.#broker;
  }

  get vhost(): VHost | undefined {
    return this.#broker?.findVhost("/");
  }

  /** A queue, where there is one. */
  queue(name: string): Queue | undefined {
    return this.vhost?.findQueue(name);
  }

  start(): void {
    this.#machine.soon(() => this.#start([]));
  }

  /** Takes a connection, as soon as its machine can. */
  accept(connection: Connection): void {
    this.#connections.add(connection);
    this.#machine.soon(() => {
      // deno-lint-ignore no-explicit-any
      this.#broker?.take(connection.broker as any);
    });
  }

  /** Stops: clients are told, or find out. Starts again after so long. */
  restart(isTold: boolean, downMs: number, onUp: () => void): void {
    const machine = this.#machine;
    machine.soon(async () => {
      const broker = this.#broker;
      const queues = this.#queues.flatMap((name) => this.queue(name) ?? []);
      this.#broker = undefined;
      // It is stopping for another reason.
      if (broker === undefined) return onUp();
      if (isTold) await broker.close();
      else this.#drop(broker);
      const stored = queues.map((queue) => store(queue, machine.nowMs));
      this.#machine = this.#newMachine();
      this.#connections.clear();
      machine.kill();
      this.#machine.after(downMs, () => {
        this.#start(stored);
        onUp();
      });
    });
  }

  /** Ends, for good; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    await this.#broker?.close();
  }

  #drop(broker: EmbeddedBroker): void {
    for (const it of this.#connections) it.died("broker", "reset");
    this.#connections.clear();
    for (const connection of broker.connections) connection.drop();
  }

  #start(stored: readonly Stored[]): void {
    // Connections come by way of `take()`.
    const listening = Promise.withResolvers<never>();
    const listener = {
      accept: () => listening.promise,
      close: () => listening.reject(new Error("closed")),
      addr: { port: 5672 },
    } as unknown as ConstructorParameters<typeof EmbeddedBroker>[1];
    this.#broker = new EmbeddedBroker(this.#settings, listener);
    for (const queue of stored) restore(this.vhost!, queue);
  }
}

/** What of a queue survives its broker. */
function store(queue: Queue, nowMs: number): Stored {
  const entries: Stored["entries"] = [];
  for (let it = queue.get(); it !== undefined; it = queue.get()) {
    if (!survives(it, queue) || it.expiresAt <= nowMs) continue;
    const leftMs = it.expiresAt - nowMs;
    const expirationMs = leftMs === Infinity ? undefined : leftMs;
    const message = { ...it.message, expirationMs };
    entries.push({ message, redelivered: it.redelivered });
  }
  return { name: queue.name, options: queue.options, entries };
}

function survives({ message }: Entry, { settings }: Queue): boolean {
  const { content, bodyStart } = message;
  const fields = new Fields(content.subarray(0, bodyStart));
  return settings.isQuorum || readProperties(fields).deliveryMode === 2;
}

function restore(vhost: VHost, { name, options, entries }: Stored): void {
  const queue = vhost.addQueue(name, options);
  for (const { message } of entries) queue.publish(message);
  const published = entries.map(() => queue.get());
  for (const [index, entry] of published.entries()) {
    if (entry === undefined) continue;
    queue.sent(entry);
    // What goes back is marked as redelivered.
    if (entries[index]!.redelivered) queue.putBack(entry, false);
    else {
      queue.forget(entry);
      queue.publish(entry.message);
    }
  }
}
