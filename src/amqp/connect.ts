/**
 * The library's front door: one connection to call and to serve over.
 *
 * @module
 */
import type { CallOptions } from "../rpc/calling/call_options.ts";
import { type ClientStats, RpcClient } from "../rpc/calling/client.ts";
import type { InspectOptions } from "../rpc/calling/inspections.ts";
import type { Contract } from "../rpc/contract/contract.ts";
import type { ClientOptions } from "../rpc/interceptor.ts";
import type { MessageData, Procedure } from "../rpc/procedure.ts";
import {
  type ContractClient,
  contractProxy,
  type MethodOptions,
} from "../rpc/contract/proxy.ts";
import type { ServeOptions } from "../rpc/serving/serve_options.ts";
import { RpcServer } from "../rpc/serving/server.ts";
import type {
  ConnectionEvent,
  QueueInfo,
  Transport,
} from "../rpc/transport.ts";
import type { RpcReply } from "../rpc/wire.ts";
import {
  type ConnectOptions,
  connectSettings,
  DEFAULT_URL,
} from "./options.ts";
import { AmqpTransport } from "./transport.ts";

/** A connection to call and to serve over, as `connect()` makes it. */
export class RpcConnection implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #client: RpcClient;
  readonly #servers = new Set<RpcServer>();
  #closing: Promise<void> | undefined;

  /** Over any transport; `connect()` is the usual way. */
  constructor(transport: Transport, options: ClientOptions = {}) {
    this.#transport = transport;
    this.#client = new RpcClient(transport, options);
  }

  /** Counters of the calling side. */
  get stats(): ClientStats {
    return this.#client.stats;
  }

  /**
   * Sends a request and resolves with its reply.
   *
   * @throws {RpcError} what the procedure answered (`remote` is true), or
   * `unavailable` where there is no queue, no server or no broker, or
   * `deadline_exceeded`, or `canceled`.
   * @throws {RangeError} where an option is out of its range.
   * @throws {TypeError} where something is of another type than it should be.
   */
  call(
    queue: string,
    body: MessageData,
    options?: CallOptions,
  ): Promise<RpcReply> {
    return this.#client.call(queue, body, options);
  }

  /**
   * The methods of a queue as functions, typed by their contract:
   * `rpc.proxy<typeof contract>("maths").fib(30)`. Each takes its input and,
   * after that, options of its own, which go before the ones given here. It
   * fails as `call()` does; a `TypeError` is input that JSON can't hold.
   */
  proxy<C extends Contract>(
    queue: string,
    options: MethodOptions = {},
  ): ContractClient<C> {
    const call = this.call.bind(this);
    return contractProxy<C>(call, queue, options);
  }

  /**
   * Serves a queue, through lost connections, until stopped; resolves when
   * requests are consumed for the first time.
   *
   * @throws {RpcError} where the broker refuses the login or the queue.
   * @throws {RangeError} where an option is out of its range.
   * @throws {TypeError} where something is of another type than it should be.
   */
  async serve(
    queue: string,
    procedure: Procedure,
    options?: ServeOptions,
  ): Promise<RpcServer> {
    const server = new RpcServer(this.#transport, queue, procedure, options);
    this.#servers.add(server);
    const forget = () => this.#servers.delete(server);
    server.finished.then(forget, forget);
    await server.ready;
    return server;
  }

  /**
   * What the broker tells of a queue: messages that wait, and consumers;
   * undefined where there is no such queue.
   *
   * @throws {RpcError} where the broker can't be asked, or does not answer
   * within `timeoutMs` (30 s by default).
   */
  inspect(
    queue: string,
    options?: InspectOptions,
  ): Promise<QueueInfo | undefined> {
    return this.#client.inspect(queue, options);
  }

  /**
   * What becomes of the connection from now on: connected, lost, unreachable,
   * blocked, unblocked. Ends when it is closed.
   */
  events(): AsyncIterableIterator<ConnectionEvent> {
    return this.#transport.events();
  }

  /**
   * Stops the servers, fails the calls that still wait, and disconnects. May be
   * called again: all calls resolve together. A procedure must not wait for it,
   * since it waits for procedures.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#servers].map((server) => server.stop()));
    await this.#client.close({ keepQueue: true });
    await this.#transport.close();
  }

  /** The same as {@linkcode RpcConnection.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Connects to a broker: the first of several that answers.
 *
 * @param urls `amqp://user:password@host:port/vhost`, one or several
 * @throws {RpcError} where none can be reached or one refuses.
 * @throws {RangeError} where a URL or an option is out of its range.
 *
 * @example Ask for a queue, and cancel a call
 * ```ts
 * import { connect, RpcError } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 *
 * await using rpc = await connect(Deno.env.get("AMQP_URL"), {
 *   name: "example",
 *   heartbeatMs: 5_000,
 * });
 * assert.equal(await rpc.inspect("no_such_queue"), undefined);
 * await assert.rejects(
 *   rpc.call("no_such_queue", "30", { signal: AbortSignal.abort() }),
 *   (error: RpcError) => error.code === "canceled",
 * );
 * ```
 */
export async function connect(
  urls: string | readonly string[] = DEFAULT_URL,
  options: ConnectOptions & ClientOptions = {},
): Promise<RpcConnection> {
  const transport = new AmqpTransport(connectSettings(urls, options));
  await transport.link();
  return new RpcConnection(transport, options);
}
