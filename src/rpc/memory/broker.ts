/**
 * A broker in memory: queues by name, and the default exchange.
 *
 * @module
 */
import type { MessageProperties } from "../messages.ts";
import type { QueueInfo } from "../transport.ts";
import { MemoryQueue } from "./queue.ts";

/** What became of a published message. */
export type Routed = "queued" | "returned";

/** Where the connections of {@linkcode MemoryTransport}s meet. */
export class MemoryBroker {
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #listeners = new Map<string, Set<(correlationId: string) => void>>();
  #lastName = 0;

  /** The queue of this name, declared if it is missing. */
  declare(name: string): MemoryQueue {
    let queue = this.#queues.get(name);
    if (queue === undefined) this.#queues.set(name, queue = new MemoryQueue());
    return queue;
  }

  /** Declares a queue under a name of the broker's choice, and returns it. */
  declareUnnamed(): string {
    const name = `amq.gen-${++this.#lastName}`;
    this.declare(name);
    return name;
  }

  /** Deletes a queue, with the messages in it; the queue that was deleted. */
  delete(name: string): MemoryQueue | undefined {
    const queue = this.#queues.get(name);
    this.#queues.delete(name);
    return queue;
  }

  /** What a passive declare returns; undefined if there is no such queue. */
  inspect(name: string): QueueInfo | undefined {
    const queue = this.#queues.get(name);
    return queue && {
      queue: name,
      messages: queue.messages.length,
      consumers: queue.consumers.length,
    };
  }

  /** Puts a message into the queue that the routing key names. */
  publish(
    routingKey: string,
    body: Uint8Array,
    properties: MessageProperties,
  ): Routed {
    const queue = this.#queues.get(routingKey);
    if (queue === undefined) return "returned";
    queue.messages.push({ body, properties, redelivered: false });
    queue.deliver();
    return "queued";
  }

  /** Tells the servers of a queue that a call is canceled. */
  cancelCall(queue: string, correlationId: string): void {
    for (const hear of this.#listeners.get(queue) ?? []) hear(correlationId);
  }

  /**
   * Calls back for each canceled call, until the returned function is called.
   */
  listen(queue: string, onCancel: (correlationId: string) => void): () => void {
    const listeners = this.#listeners.get(queue) ?? new Set();
    this.#listeners.set(queue, listeners.add(onCancel));
    return () => listeners.delete(onCancel);
  }
}
