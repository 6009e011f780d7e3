/** What a connection needs of the broker that it belongs to. */
import type { Gate } from "../gate.ts";
import type { Settings } from "../options.ts";
import type { VHost } from "../routing/vhost.ts";

/** Where a test may interfere with connections. */
export interface Interference {
  /** Closed while all publishers are blocked. */
  readonly publishing: Gate;
  /** Closed while no publish is confirmed. */
  readonly confirms: Gate;
  /** Whether to refuse the login of a user, given as a byte string. */
  refusesLogin(user: string): boolean;
  /** Whether to answer a publish with a nack; both names are byte strings. */
  nacks(target: { exchange: string; routingKey: string }): boolean;
}

/** The broker, as a connection sees it. */
export interface ConnectionHost {
  readonly settings: Settings;
  /** The version of rabbit-rpc. */
  readonly version: string;
  readonly faults: Interference;
  findVhost(name: string): VHost | undefined;
  /** Called after everything that a client does. */
  changed(): void;
}
