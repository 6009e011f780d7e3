/**
 * A transport without broker and socket, for tests of what calls and serves.
 *
 * @module
 */
import { Broadcast } from "../../async/broadcast.ts";
import { failure } from "../errors.ts";
import type {
  BrokerConnection,
  CallbackQueue,
  ConnectionEvent,
  ConnectionOptions,
  QueueInfo,
  ReplyQueueKind,
  RequestQueue,
  RequestQueueOptions,
  ReturnedMessage,
  Transport,
} from "../transport.ts";
import { MemoryBroker } from "./broker.ts";
import {
  connectionLost,
  MemoryCallbackQueue,
  MemoryRequestQueue,
} from "./channels.ts";

/**
 * Connects callers and servers within one process, for unit tests: no broker,
 * no socket, no permission, and no timer of its own. Calls, errors, deadlines,
 * cancellation, retries and draining are those of the library; messages are
 * copied on the way. Queues live as long as their broker, with what is in them;
 * they don't expire messages, dead-letter or limit anything.
 *
 * Each transport has its own {@linkcode MemoryBroker} unless it is given one,
 * which several share. For lost connections, full queues and whatever else a
 * broker may do, use `startBroker()` of `@rabbit-rpc/rabbit-rpc/broker`.
 *
 * @example Test a procedure as its callers see it
 * ```ts
 * import { RpcConnection } from "@rabbit-rpc/rabbit-rpc";
 * import { MemoryTransport } from "@rabbit-rpc/rabbit-rpc/transport";
 * import assert from "node:assert/strict";
 *
 * await using rpc = new RpcConnection(new MemoryTransport());
 * await using server = await rpc.serve("double", (request) => {
 *   return 2 * Number(request.text());
 * });
 * assert.equal((await rpc.call("double", 21)).json(), 42);
 * ```
 */
export class MemoryTransport implements Transport {
  readonly #broker: MemoryBroker;
  readonly #events = new Broadcast<ConnectionEvent>();
  #connection: MemoryConnection | undefined;
  #closed = false;

  /** On a broker of its own, or on one that several transports share. */
  constructor(broker: MemoryBroker = new MemoryBroker()) {
    this.#broker = broker;
  }

  /**
   * The connection; the first call makes it.
   *
   * @throws {RpcError} `closed` after `close()`.
   */
  connection({ signal }: ConnectionOptions = {}): Promise<BrokerConnection> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closed) {
      return Promise.reject(failure("closed", "the connection was closed"));
    }
    if (this.#connection === undefined) {
      this.#connection = new MemoryConnection(this.#broker);
      this.#events.emit({ type: "connected", broker: "memory" });
    }
    return Promise.resolve(this.#connection);
  }

  /** `connected`, once; ends when the transport is closed. */
  events(): AsyncIterableIterator<ConnectionEvent> {
    return this.#events.listen();
  }

  /** Ends the connection: what was not acknowledged goes back to its queue. */
  close(): Promise<void> {
    this.#closed = true;
    this.#connection?.end();
    this.#events.end();
    return Promise.resolve();
  }

  /** The same as {@linkcode MemoryTransport.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

type Channel = MemoryCallbackQueue | MemoryRequestQueue;

class MemoryConnection implements BrokerConnection {
  readonly vhost = "/";
  readonly unblocked = undefined;
  readonly #broker: MemoryBroker;
  readonly #channels = new Set<Channel>();
  readonly #lost = Promise.withResolvers<Error>();

  constructor(broker: MemoryBroker) {
    this.#broker = broker;
  }

  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  openCallbackQueue(
    onReturn: (message: ReturnedMessage) => void,
  ): Promise<CallbackQueue> {
    const name = this.#broker.declareUnnamed();
    const queue = new MemoryCallbackQueue(this.#broker, name, onReturn);
    this.#channels.add(queue);
    return Promise.resolve(queue);
  }

  async openRequestQueue(
    name: string,
    options: RequestQueueOptions,
  ): Promise<RequestQueue> {
    const isMissing = (await this.inspect(name)) === undefined;
    if (isMissing && options.declare.mode === "passive") {
      throw failure("no_queue", `there is no queue "${name}"`);
    }
    const queue = new MemoryRequestQueue(this.#broker, name, options);
    this.#channels.add(queue);
    return queue;
  }

  cancelCall(queue: string, correlationId: string): Promise<void> {
    this.#broker.cancelCall(queue, correlationId);
    return Promise.resolve();
  }

  inspect(queue: string): Promise<QueueInfo | undefined> {
    return Promise.resolve(this.#broker.inspect(queue));
  }

  rttMs(): Promise<number> {
    return Promise.resolve(0);
  }

  checkReplyTo(queue: string): Promise<ReplyQueueKind> {
    const isThere = this.#broker.inspect(queue) !== undefined;
    return Promise.resolve(isThere ? "shared" : "missing");
  }

  /** Ends everything that goes over it. */
  end(): void {
    const error = connectionLost();
    for (const channel of this.#channels) channel.end(error);
    this.#channels.clear();
    this.#lost.resolve(error);
  }
}
