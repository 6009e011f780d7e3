/**
 * The connection of `rabbit-rpc client`, and what it says while calls wait.
 *
 * @module
 */
import { RpcConnection } from "../../amqp/connect.ts";
import type { ConnectOptions, ConnectSettings } from "../../amqp/options.ts";
import type { ClientOptions } from "../../rpc/interceptor.ts";
import { AmqpTransport } from "../../amqp/transport.ts";
import { reportConnection } from "../connection/events.ts";
import { settingsFor } from "../connection/settings.ts";
import { connectOptions } from "../flags/common.ts";
import { Log } from "../log.ts";
import type { ClientFlags } from "./flags.ts";
import { type WaitOptions, watchForServer } from "./waiting.ts";

/** Connects with the first call. */
export class ClientConnection implements AsyncDisposable {
  /** To make calls with. */
  readonly rpc: RpcConnection;
  readonly #vhost: string;

  private constructor(settings: ConnectSettings, options: ClientOptions) {
    this.rpc = new RpcConnection(new AmqpTransport(settings), options);
    this.#vhost = settings.brokers[0]!.vhost;
  }

  /**
   * Reads what the flags name; `beforeNotice` is called before what happens to
   * the connection is reported.
   *
   * @throws {RangeError} where a flag is out of its range.
   * @throws {CliError} 66 where a file can't be read.
   */
  static async create(
    queue: string,
    flags: ClientFlags,
    beforeNotice: () => void = () => {},
  ): Promise<ClientConnection> {
    const { telemetry } = flags;
    const plain: ConnectOptions & ClientOptions = {
      ...await connectOptions(flags),
      name: `rabbit-rpc client ${queue}`,
      onEvent: (event) => {
        beforeNotice();
        reportConnection(event, flags);
      },
    };
    const connecting = telemetry?.connecting(plain) ?? plain;
    return new ClientConnection(settingsFor(flags, connecting), connecting);
  }

  /** Reports, from now on, what calls wait for; nothing with `--quiet`. */
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
