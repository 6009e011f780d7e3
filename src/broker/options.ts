/** What can be set about a broker. */
import {
  BEHAVIOR,
  type Behavior,
  type Generation,
  GENERATIONS,
  NEWEST,
} from "./generation.ts";
import {
  type Patterns,
  patternsOf,
  type Permissions,
} from "./connection/permissions.ts";

/** A user who may log in. */
export interface BrokerUser {
  /** What the user logs in with. */
  password: string;
  /**
   * What the user may do, in every virtual host.
   * @default everything
   */
  permissions?: Permissions;
}

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
   * The generation of RabbitMQ to behave as, where they differ.
   * @default "4.3"
   */
  as?: Generation;
  /**
   * Users by name: a password alone for one who may do everything, or a
   * password and permissions.
   * @default guest with password guest, who may do everything
   */
  users?: ReadonlyMap<string, string | BrokerUser>;
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
   * The largest frame in octets: at least 8192, as 3.10 and 4.0 4096, and at
   * most 2^31-1.
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
   * How long a client may take to acknowledge a delivery, in ms. Which ones,
   * depends on the generation: all; those of queues with no
   * `x-consumer-timeout` of their own (4.0); of quorum queues (4.3).
   * @default 1800000
   */
  consumerTimeoutMs?: number;
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

/** A user as the broker checks them. */
export interface User {
  readonly password: string;
  /** Undefined for one who may do everything. */
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

/** @throws {RangeError} if a permission is no regular expression */
function userOf(user: string | BrokerUser): User {
  if (typeof user === "string") return { password: user, patterns: undefined };
  const { password, permissions } = user;
  return { password, patterns: permissions && patternsOf(permissions) };
}

/** @throws {RangeError} if there is no such generation */
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
    throw new RangeError("vhosts must name at least one");
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
