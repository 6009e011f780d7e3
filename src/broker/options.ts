/** The options of a broker. */
import {
  BEHAVIOR,
  type Behavior,
  type Generation,
  GENERATIONS,
  NEWEST,
} from "./generation.ts";
import { type Patterns, patternsOf, type Permissions } from "./permissions.ts";

/** A user who may log in. */
export interface BrokerUser {
  /** The user's password. */
  password: string;
  /**
   * What the user may do, in every virtual host.
   * @default everything
   */
  permissions?: Permissions;
}

/** Options of `startBroker`; the defaults suit a test. */
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
   * The generation of RabbitMQ to behave like, where generations differ.
   * @default "4.3"
   */
  as?: Generation;
  /**
   * Users by name: a password for a user who may do everything, or a password
   * and permissions.
   * @default guest with the password guest, who may do everything
   */
  users?: ReadonlyMap<string, string | BrokerUser>;
  /**
   * The names of the virtual hosts.
   * @default ["/"]
   */
  vhosts?: readonly string[];
  /**
   * The heartbeat proposed to clients, in seconds; 0 for none.
   * @default 60
   */
  heartbeatS?: number;
  /**
   * The largest frame in octets: at least 8192 (4096 as 3.10 or 4.0), at most
   * 2^31-1.
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
   * @default 16777216, as 3.10 134217728
   */
  maxMessageSize?: number;
  /**
   * How long a client may take to acknowledge a delivery, in ms. As 3.10 it
   * applies to all deliveries; as 4.0, unless the queue sets its own
   * `x-consumer-timeout`; as 4.3, to deliveries of quorum queues.
   * @default 1800000
   */
  consumerTimeoutMs?: number;
  /**
   * A client for which more octets than this wait to be sent counts as slow:
   * it gets no further deliveries until it has caught up.
   * @default 1048576
   */
  outgoingHighWater?: number;
  /**
   * Octets that all messages may take, unacknowledged ones included. Above it,
   * publishers are blocked until consumers have caught up.
   * @default 1073741824
   */
  memoryHighWatermark?: number;
  /**
   * How long a client may take to connect and log in, in ms.
   * @default 10000
   */
  handshakeTimeoutMs?: number;
}

/** A user, with compiled permissions. */
export interface User {
  readonly password: string;
  /** Undefined for a user who may do everything. */
  readonly patterns: Patterns | undefined;
}

/** Options with all defaults filled in. */
export type Settings =
  & Readonly<Required<Omit<BrokerOptions, "as" | "users">>>
  & {
    readonly as: Generation;
    readonly behavior: Behavior;
    readonly users: ReadonlyMap<string, User>;
  };

/** @throws {RangeError} if a permission is not a valid regular expression. */
function userOf(user: string | BrokerUser): User {
  if (typeof user === "string") return { password: user, patterns: undefined };
  const { password, permissions } = user;
  return { password, patterns: permissions && patternsOf(permissions) };
}

/** @throws {RangeError} if there is no such generation. */
function behaviorOf(generation: Generation): Behavior {
  if (GENERATIONS.includes(generation)) return BEHAVIOR[generation];
  throw new RangeError(
    `as must be one of ${GENERATIONS.join(", ")}, got ${generation}`,
  );
}

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
  const behavior = behaviorOf(options.as ?? NEWEST);
  const {
    hostname = "127.0.0.1",
    port = 0,
    as = NEWEST,
    users = new Map<string, string | BrokerUser>([["guest", "guest"]]),
    vhosts = ["/"],
    heartbeatS = 60,
    frameMax = 131_072,
    channelMax = 2047,
    maxMessageSize = behavior.maxMessageSize,
    consumerTimeoutMs = 1_800_000,
    outgoingHighWater = 1_048_576,
    memoryHighWatermark = 1_073_741_824,
    handshakeTimeoutMs = 10_000,
  } = options;
  if (vhosts.length === 0) {
    throw new RangeError("vhosts must contain at least one name");
  }
  return {
    hostname,
    port: whole("port", port, 0, 65_535),
    as,
    behavior,
    users: new Map([...users].map(([name, user]) => [name, userOf(user)])),
    vhosts,
    heartbeatS: whole("heartbeatS", heartbeatS, 0, 65_535),
    frameMax: whole("frameMax", frameMax, behavior.frameMin, 2 ** 31 - 1),
    channelMax: whole("channelMax", channelMax, 1, 65_535),
    maxMessageSize: whole("maxMessageSize", maxMessageSize, 0, 2 ** 31 - 1),
    consumerTimeoutMs: whole(
      "consumerTimeoutMs",
      consumerTimeoutMs,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
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
