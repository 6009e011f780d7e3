// The broker of the transport in memory, with the faults of a real one, and a log
// for tests to look at.

import { RpcError } from "../../src/rpc/errors.ts";
import { MemoryBroker } from "../../src/rpc/memory/broker.ts";
import type { MemoryQueue, Message } from "../../src/rpc/memory/queue.ts";
import type { MessageProperties } from "../../src/rpc/messages.ts";
import { within } from "./within.ts";

/** What can be held up; see {@linkcode BrokerModel.hold}. */
export type Step =
  | "connection"
  | "open"
  | "inspect"
  | "check"
  | "confirm"
  | "cancel";

/** Misbehaves where a test wants that. */
export class BrokerModel extends MemoryBroker {
  /** What happened: `publish Q`, `return Q`, `confirm Q`, `ack N`, and so on. */
  readonly log: string[] = [];
  /** Why new connections fail, while there is a reason. */
  refusal: RpcError | undefined;
  /** Why the broker does not tell what a queue is, while there is a reason. */
  checkFailure: RpcError | undefined;
  /** Why the broker tells nothing of its queues, while there is a reason. */
  inspectFailure: RpcError | undefined;
  /** Whether it never answers what a queue is, not even by a lost connection. */
  losesChecks = false;
  readonly #gates = new Map<Step, PromiseWithResolvers<void>>();
  readonly #exclusive = new Set<string>();
  readonly #refusing = new Set<string>();
  #news = Promise.withResolvers<void>();
  #lastControl = 0;

  override declare(name: string): MemoryQueue {
    const queue = super.declare(name);
    this.note(`declare ${name}`);
    return queue;
  }

  /** A queue of somebody else's connection, under a name of its own. */
  declareExclusive(name: string): void {
    this.#exclusive.add(name);
    this.declare(name);
  }

  isExclusive(name: string): boolean {
    return this.#exclusive.has(name);
  }

  /** A server's queue for control messages, which is in no log. */
  declareControl(): string {
    const name = `amq.gen-control-${++this.#lastControl}`;
    super.declare(name);
    return name;
  }

  /** Such a queue goes with its connection. */
  deleteControl(name: string): void {
    super.delete(name);
  }

  /** Deletes a queue; its consumers are cancelled, their channels stay open. */
  override delete(name: string): MemoryQueue | undefined {
    const queue = super.delete(name);
    this.note(`delete ${name}`);
    for (const consumer of queue?.consumers ?? []) {
      consumer.end(lost("Consumer cancelled by the server"));
    }
    return queue;
  }

  /** Puts a message of nobody in particular into a queue. */
  send(
    name: string,
    body: string | Uint8Array,
    properties: MessageProperties = {},
  ): void {
    const bytes = typeof body === "string"
      ? new TextEncoder().encode(body)
      : body;
    const outcome = this.route(name, { body: bytes, properties });
    if (outcome !== "queued") throw new Error(`${name}: ${outcome}`);
  }

  /** Takes the oldest waiting message, once there is one. */
  async take(name: string): Promise<Message & { text: string }> {
    const waiting = () => this.inspect(name)?.messages ?? 0;
    await this.until(`a message in ${name}`, () => waiting() > 0);
    const message = this.queue(name).messages.shift()!;
    return { ...message, text: new TextDecoder().decode(message.body) };
  }

  /** From now on every message to this queue is refused (nacked). */
  refuse(name: string): void {
    this.#refusing.add(name);
  }

  override cancelCall(queue: string, correlationId: string): void {
    this.note(`cancel call on ${queue}`);
    super.cancelCall(queue, correlationId);
  }

  /** Holds up a step of everybody's, until the function returned is called. */
  hold(step: Step): () => void {
    const gate = Promise.withResolvers<void>();
    this.#gates.set(step, gate);
    return () => {
      this.#gates.delete(step);
      gate.resolve();
    };
  }

  /** Resolves when a step may be taken. */
  passed(step: Step): Promise<void> {
    return this.#gates.get(step)?.promise ?? Promise.resolve();
  }

  /** Resolves at the next event. */
  get news(): Promise<void> {
    return this.#news.promise;
  }

  /** Writes to the log. */
  note(event: string): void {
    this.log.push(event);
    const news = this.#news;
    this.#news = Promise.withResolvers();
    news.resolve();
  }

  /** Waits for a condition that depends on what this broker does. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const waiting = async () => {
      while (!holds()) await this.news;
    };
    try {
      await within(what, waiting());
    } catch (error) {
      throw new Error(`${error}; last seen: ${this.log.slice(-30).join(", ")}`);
    }
  }

  /** Waits for an entry of the log. */
  seen(event: string): Promise<void> {
    return this.until(event, () => this.log.includes(event));
  }

  /** As `publish()`; a queue may also refuse what comes. */
  route(
    name: string,
    { body, properties }: Omit<Message, "redelivered">,
  ): "returned" | "refused" | "queued" {
    this.note(`publish ${name}`);
    if (this.inspect(name) && this.#refusing.has(name)) return "refused";
    return this.publish(name, body, properties);
  }

  /** The queue of this name; the caller has seen to it that there is one. */
  queue(name: string): MemoryQueue {
    return super.declare(name);
  }
}

/** What ends whatever went over a connection that is gone. */
export function lost(message: string): RpcError {
  return new RpcError("unavailable", `the broker ended it: ${message}`, {
    reason: "connection_lost",
  });
}
