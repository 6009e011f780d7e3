/** What can be set about a broker. */

/** Options of `startBroker`; all have defaults that suit a test. */
export interface BrokerOptions {
  /**
   * The address to listen on.
   * @default "127.0.0.1"
   */
  hostname?: string;
  /**
   * The port to listen on; 0 for a free one.
   * @default 0
   */
  port?: number;
  /**
   * Passwords by user name.
   * @default guest with password guest
   */
  users?: ReadonlyMap<string, string>;
  /**
   * Names of the virtual hosts.
   * @default ["/"]
   */
  vhosts?: readonly string[];
  /**
   * The heartbeat proposed to clients, in seconds; 0 for none.
   * @default 60
   */
  heartbeatS?: number;
  /**
   * The largest frame in octets, 4096 to 2^31-1.
   * @default 131072
   */
  frameMax?: number;
  /**
   * The most channels of one connection, 1 to 65535.
   * @default 2047
   */
  channelMax?: number;
  /**
   * The largest body of a message in octets.
   * @default 134217728
   */
  maxMessageSize?: number;
  /**
   * Octets waiting to be sent from which on a client counts as slow: it is
   * given nothing more until it has caught up.
   * @default 1048576
   */
  outgoingHighWater?: number;
  /**
   * Octets that all messages may take, those delivered and not settled
   * included; beyond it publishers are blocked until consumers have caught up.
   * @default 1073741824
   */
  memoryHighWatermark?: number;
  /**
   * How long a client may take to connect and log in, in ms.
   * @default 10000
   */
  handshakeTimeoutMs?: number;
}

/** Options with all defaults filled in. */
export type Settings = Readonly<Required<BrokerOptions>>;

function whole(
  name: keyof BrokerOptions,
  value: number,
  least: number,
  most: number,
): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(
    `${name} must be a whole number from ${least} to ${most}, got ${value}`,
  );
}

/**
 * Options with their defaults.
 *
 * @throws {RangeError} naming the option that is out of its range.
 */
export function settingsOf(options: BrokerOptions): Settings {
  const {
    hostname = "127.0.0.1",
    port = 0,
    users = new Map([["guest", "guest"]]),
    vhosts = ["/"],
    heartbeatS = 60,
    frameMax = 131_072,
    channelMax = 2047,
    maxMessageSize = 134_217_728,
    outgoingHighWater = 1_048_576,
    memoryHighWatermark = 1_073_741_824,
    handshakeTimeoutMs = 10_000,
  } = options;
  if (vhosts.length === 0) {
    throw new RangeError("vhosts must name at least one");
  }
  return {
    hostname,
    port: whole("port", port, 0, 65_535),
    users,
    vhosts,
    heartbeatS: whole("heartbeatS", heartbeatS, 0, 65_535),
    frameMax: whole("frameMax", frameMax, 4096, 2 ** 31 - 1),
    channelMax: whole("channelMax", channelMax, 1, 65_535),
    maxMessageSize: whole("maxMessageSize", maxMessageSize, 0, 2 ** 31 - 1),
    outgoingHighWater: whole(
      "outgoingHighWater",
      outgoingHighWater,
      1,
      2 ** 31 - 1,
    ),
    memoryHighWatermark: whole(
      "memoryHighWatermark",
      memoryHighWatermark,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    handshakeTimeoutMs: whole(
      "handshakeTimeoutMs",
      handshakeTimeoutMs,
      1,
      2 ** 31 - 1,
    ),
  };
}
