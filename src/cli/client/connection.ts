/**
 * The connection of `rabbit-rpc client`.
 *
 * @module
 */
import { RpcConnection } from "../../rpc/connection.ts";
import type { ConnectSettings } from "../../amqp/options.ts";
import type { ClientOptions } from "../../rpc/calling/client_options.ts";
import { AmqpTransport } from "../../amqp/transport.ts";
import { reportConnection } from "../connection/events.ts";
import { connectOptions, settingsFor } from "../connection/settings.ts";
import { Log } from "../log.ts";
import type { ClientFlags } from "./flags.ts";
import { type WaitOptions, watchForServer } from "./waiting.ts";

/** A connection that is made with the first call. */
export class ClientConnection implements AsyncDisposable {
  /** Makes calls. */
  readonly rpc: RpcConnection;
  readonly #vhost: string;

  private constructor(settings: ConnectSettings, options: ClientOptions) {
    this.rpc = new RpcConnection(new AmqpTransport(settings), options);
    this.#vhost = settings.brokers[0]!.vhost;
  }

  /**
   * Reads the files that the flags name. `beforeLog` is called before an event
   * of the connection is logged.
   *
   * @throws {RangeError} if a flag is out of range.
   * @throws {CliError} 66 if a file can't be read.
   */
  static async create(
    queue: string,
    flags: ClientFlags,
    beforeLog: () => void = () => {},
  ): Promise<ClientConnection> {
    const options = await connectOptions(flags, `client ${queue}`, (event) => {
      beforeLog();
      reportConnection(event, flags);
    });
    return new ClientConnection(settingsFor(flags, options), options);
  }

  /** Logs what calls are waiting for; nothing with `--quiet`. */
  watch(
    queue: string,
    flags: ClientFlags,
    calls: WaitOptions["calls"],
    say = (sentence: string) => new Log(flags).info(sentence),
  ): Disposable {
    return watchForServer(this.rpc, {
      queue,
      vhost: this.#vhost,
      patient: Boolean(flags.wait || flags.retries),
      calls,
      say,
    });
  }

  /** Disconnects. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.rpc.close();
  }
}
