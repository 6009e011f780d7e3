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
  contractProxy,
  type MethodOptions,
} from "./contract/proxy.ts";
import type { Procedure } from "./procedure.ts";
import type { ServeOptions } from "./serving/serve_options.ts";
import { RpcServer } from "./serving/server.ts";
import type { ConnectionEvent, Transport } from "./transport.ts";

/** A client that serves as well, over a connection that it closes. */
export class RpcConnection extends RpcClient {
  readonly #transport: Transport;
  readonly #servers = new Set<RpcServer>();
  #disconnecting: Promise<void> | undefined;

  /** Over any transport; `connect()` is the usual way. */
  constructor(transport: Transport, options: ClientOptions = {}) {
    super(transport, options);
    this.#transport = transport;
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
  override close(): Promise<void> {
    return this.#disconnecting ??= this.#disconnect();
  }

  async #disconnect(): Promise<void> {
    await Promise.all([...this.#servers].map((server) => server.stop()));
    // The callback queue goes with the connection.
    await super.close({ keepQueue: true });
    await this.#transport.close();
  }
}
