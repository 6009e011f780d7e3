/**
 * One connection to call and to serve over.
 *
 * @module
 */
import { RpcClient } from "./calling/client.ts";
import type { ClientOptions } from "./calling/client_options.ts";
import type { Contract } from "./contract/contract.ts";
import {
  type ContractClient,
  contractClient,
  type MethodOptions,
} from "./contract/contract_client.ts";
import { failure, type RpcError } from "./errors.ts";
import type { Procedure } from "./procedure.ts";
import type { ServeOptions } from "./serving/serve_options.ts";
import { RpcServer } from "./serving/server.ts";
import type { ConnectionEvent, Transport } from "./transport.ts";

/**
 * A client that serves as well, over a connection that it closes.
 *
 * @example Over a transport in memory, in a unit test
 * ```ts
 * import { RpcConnection } from "@rabbit-rpc/rabbit-rpc";
 * import { MemoryTransport } from "@rabbit-rpc/rabbit-rpc/transport";
 * import assert from "node:assert/strict";
 *
 * await using rpc = new RpcConnection(new MemoryTransport());
 * await using server = await rpc.serve("echo", (request) => request.bytes);
 * assert.equal((await rpc.call("echo", "hello")).text(), "hello");
 * ```
 */
export class RpcConnection extends RpcClient {
  readonly #transport: Transport;
  readonly #servers = new Set<RpcServer>();
  readonly #closed = Promise.withResolvers<RpcError>();
  #draining: Promise<void> | undefined;
  #disconnecting: Promise<void> | undefined;

  /**
   * Resolves when the connection is closed for good, with the reason: an
   * `RpcError` whose `reason` is `closed`, and whose `cause` is what went wrong
   * while closing, if anything did. A connection that is lost is not closed: the
   * next call, or a server, makes another.
   *
   * @example Do something when the connection is closed
   * ```ts
   * import { RpcConnection } from "@rabbit-rpc/rabbit-rpc";
   * import { MemoryTransport } from "@rabbit-rpc/rabbit-rpc/transport";
   * import assert from "node:assert/strict";
   *
   * const rpc = new RpcConnection(new MemoryTransport());
   * const reason = rpc.closed.then(({ reason }) => reason);
   * await rpc.close();
   * assert.equal(await reason, "closed");
   * ```
   */
  readonly closed: Promise<RpcError> = this.#closed.promise;

  /** Over any transport; `connect()` is the usual way. */
  constructor(transport: Transport, options: ClientOptions = {}) {
    super(transport, options);
    this.#transport = transport;
  }

  /**
   * The methods of a queue as functions, by their contract:
   * `rpc.client(contract, "maths").fib(30)`. Each takes its input and, after
   * that, options of its own, which override the ones given here. A method that
   * the contract does not have is no member of the client: calling it is an
   * error to the type checker, and a `TypeError` at once. A call fails as
   * `call()` does; a `TypeError` is input that JSON can't hold.
   *
   * @throws {TypeError} if the contract has a method that can't be called so.
   *
   * @example Call a method by its contract
   * ```ts
   * import { type Contract, implement, RpcConnection } from "@rabbit-rpc/rabbit-rpc";
   * import { MemoryTransport } from "@rabbit-rpc/rabbit-rpc/transport";
   * import assert from "node:assert/strict";
   * import * as z from "zod";
   *
   * const contract = {
   *   sum: { input: z.array(z.number()), output: z.number() },
   * } satisfies Contract;
   * await using rpc = new RpcConnection(new MemoryTransport());
   * await using server = await rpc.serve(
   *   "maths",
   *   implement(contract, { sum: (all) => all.reduce((a, b) => a + b, 0) }),
   * );
   * assert.equal(await rpc.client(contract, "maths").sum([1, 2, 3]), 6);
   * ```
   */
  client<C extends Contract>(
    contract: C,
    queue: string,
    options: MethodOptions = {},
  ): ContractClient<C> {
    return contractClient(contract, this, queue, options);
  }

  /**
   * Serves a queue, through lost connections, until stopped; resolves when
   * requests are consumed for the first time.
   *
   * @throws {RpcError} if the broker refuses the login or the queue.
   * @throws {RangeError} if an option is out of its range.
   * @throws {TypeError} if an option has the wrong type.
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
   * What becomes of the connection from now on: connected, lost, unreachable,
   * blocked, unblocked, password renewed. Ends when it is closed. Unread events
   * are kept without limit, so leave the loop when you stop reading.
   *
   * @example Wait until a connection is lost
   * ```ts
   * import { connect } from "@rabbit-rpc/rabbit-rpc";
   * import { startBroker } from "@rabbit-rpc/rabbit-rpc/broker";
   *
   * await using broker = await startBroker();
   * await using rpc = await connect(broker.url);
   * const events = rpc.events();
   * broker.connections[0]!.drop();
   * for await (const event of events) {
   *   if (event.type === "lost") break;
   * }
   * ```
   */
  events(): AsyncIterableIterator<ConnectionEvent> {
    return this.#transport.events();
  }

  /**
   * Stops the servers, fails the calls that still wait, and disconnects. May be
   * called again: all calls resolve together. A procedure must not wait for it,
   * since it waits for procedures.
   */
  override close(): Promise<void> {
    return this.#disconnecting ??= this.#disconnect();
  }

  /**
   * Closes without losing anything. Servers stop as by `stop()`, and what they
   * run may still make calls. Then no new calls are taken, those in flight
   * finish, retries included, and the connection is closed. May be called
   * again: all calls resolve together. A procedure must not wait for it.
   *
   * @example Let calls end, then close
   * ```ts
   * import { RpcConnection } from "@rabbit-rpc/rabbit-rpc";
   * import { MemoryTransport } from "@rabbit-rpc/rabbit-rpc/transport";
   * import assert from "node:assert/strict";
   *
   * const rpc = new RpcConnection(new MemoryTransport());
   * const call = assert.rejects(rpc.call("nowhere", 1), { reason: "no_queue" });
   * await rpc.drain();
   * await call;
   * assert.equal((await rpc.closed).reason, "closed");
   * ```
   */
  override drain(): Promise<void> {
    return this.#draining ??= this.#drain();
  }

  async #drain(): Promise<void> {
    // Without servers, new calls are refused from this very moment.
    if (this.#servers.size > 0) await this.#stopServers();
    await super.drain();
  }

  async #disconnect(): Promise<void> {
    let cause: unknown;
    try {
      await this.#stopServers();
      // The callback queue goes with the connection.
      await super.close({ keepQueue: true });
      await this.#transport.close();
    } catch (error) {
      cause = error;
      throw error;
    } finally {
      const message = "the connection was closed by this program";
      this.#closed.resolve(failure("closed", message, { cause }));
    }
  }

  async #stopServers(): Promise<void> {
    await Promise.all([...this.#servers].map((server) => server.stop()));
  }
}
