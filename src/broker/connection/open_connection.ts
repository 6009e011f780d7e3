/** A connection that is open: what its channels share. */
import type { Access } from "./access.ts";
import type { ChannelConnection } from "./channel.ts";
import { Channels } from "./channels.ts";
import type { Opened } from "./handshake.ts";
import type { ConnectionHost, Interference } from "./host.ts";
import type { Settings } from "../options.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Queue } from "../routing/queue.ts";
import type { Table } from "../../amqp091/table.ts";
import type { VHost } from "../routing/vhost.ts";

/** An open connection. */
export class OpenConnection implements ChannelConnection {
  readonly channels: Channels;
  readonly exclusiveQueues: Set<Queue> = new Set();
  readonly settings: Settings;
  readonly faults: Interference;
  readonly vhost: VHost;
  readonly access: Access;
  readonly frameMax: number;
  readonly cancelNotify: boolean;
  /** What the client says about itself. */
  readonly clientProperties: Table;

  /** @param tooSlow called when the client reads too slowly to go on */
  constructor(
    host: ConnectionHost,
    opened: Opened,
    readonly outgoing: Outgoing,
    readonly tooSlow: () => void,
  ) {
    this.settings = host.settings;
    this.faults = host.faults;
    this.vhost = opened.vhost;
    this.access = opened.access;
    this.frameMax = opened.frameMax;
    this.cancelNotify = opened.cancelNotify;
    this.clientProperties = opened.clientProperties;
    this.channels = new Channels(this, opened.channelMax);
  }

  /** Gives back everything that the connection holds. */
  release(): void {
    this.channels.release();
    for (const queue of this.exclusiveQueues) this.vhost.deleteQueue(queue);
  }
}
