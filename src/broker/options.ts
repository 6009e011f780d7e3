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

/** The options that are whole numbers. */
type NumberOption = {
  [Name in keyof BrokerOptions]-?: BrokerOptions[Name] extends
    | number
    | undefined ? Name
    : never;
}[keyof BrokerOptions];

interface NumberRange {
  readonly byDefault: number;
  readonly least: number;
  readonly most: number;
}

/** The longest delay that setTimeout takes, and the most octets of a body. */
const MAX_INT32 = 2 ** 31 - 1;
const MAX_SAFE = Number.MAX_SAFE_INTEGER;

function numberRanges(behavior: Behavior): Record<NumberOption, NumberRange> {
  const { frameMin, maxMessageSize } = behavior;
  const range = (byDefault: number, least: number, most: number) => ({
    byDefault,
    least,
    most,
  });
  return {
    port: range(0, 0, 65_535),
    heartbeatS: range(60, 0, 65_535),
    frameMax: range(131_072, frameMin, MAX_INT32),
    channelMax: range(2047, 1, 65_535),
    maxMessageSize: range(maxMessageSize, 0, MAX_INT32),
    consumerTimeoutMs: range(1_800_000, 1, MAX_SAFE),
    outgoingHighWater: range(1_048_576, 1, MAX_INT32),
    memoryHighWatermark: range(1_073_741_824, 1, MAX_SAFE),
    handshakeTimeoutMs: range(10_000, 1, MAX_INT32),
  };
}

/** @throws {RangeError} naming the number that is out of range. */
function numbersOf(
  options: BrokerOptions,
  behavior: Behavior,
): Record<NumberOption, number> {
  const ranges = Object.entries(numberRanges(behavior));
  const numbers = ranges.map(([name, { byDefault, least, most }]) => {
    const value = options[name as NumberOption] ?? byDefault;
    if (Number.isInteger(value) && value >= least && value <= most) {
      return [name, value];
    }
    throw new RangeError(
      `${name} must be a whole number from ${least} to ${most}, got ${value}`,
    );
  });
  return Object.fromEntries(numbers);
}

/**
 * Options with their defaults.
 *
 * @throws {RangeError} naming the option that is out of range.
 */
export function settingsOf(options: BrokerOptions): Settings {
  const { as = NEWEST, hostname = "127.0.0.1", vhosts = ["/"] } = options;
  const behavior = behaviorOf(as);
  const users = options.users ?? new Map([["guest", "guest"]]);
  if (vhosts.length === 0) {
    throw new RangeError("vhosts must contain at least one name");
  }
  return {
    ...numbersOf(options, behavior),
    hostname,
    as,
    behavior,
    users: new Map([...users].map(([name, user]) => [name, userOf(user)])),
    vhosts,
  };
}
