/**
 * What differs between the generations of RabbitMQ, in one place: everything
 * else asks here and compares no versions. tests/broker/contract_* hold each
 * line of it against RabbitMQ itself.
 */

/** A generation of RabbitMQ, by the series that stands for it. */
export type Generation = "3.10" | "4.0" | "4.3";

/**
 * "all": those of all queues, in one time for the broker; "by queue": the same,
 * unless `x-consumer-timeout` of the queue says otherwise; "quorum": those of
 * quorum queues, unless the argument of queue or consumer says otherwise.
 */
export type ConsumerTimeouts = "all" | "by queue" | "quorum";

/** How a generation behaves where it differs from others. */
export interface Behavior {
  /** The release that was measured; what the server properties say. */
  readonly version: string;
  /** Ways to log in, as connection.start lists them. */
  readonly mechanisms: string;
  /** What answers a protocol header that is none. */
  readonly headerForStrangers: string;
  /** The least frame_max that a client may choose, in octets. */
  readonly frameMin: number;
  /** The largest body by default, in octets. */
  readonly maxMessageSize: number;
  /** Whether an unknown type of exchange costs the connection. */
  readonly unknownExchangeTypeIsHard: boolean;
  /** Whether `global` in basic.qos means the channel; else it is ignored. */
  readonly globalQos: boolean;
  /** Whether queues may be neither durable nor exclusive. */
  readonly transientQueues: boolean;
  /** Whether a passive declaration needs a permission, whichever. */
  readonly passiveNeedsPermission: boolean;
  /** Whether texts of refused permissions name the permission. */
  readonly namesPermission: boolean;
  /** Whether mandatory messages to reply consumers are returned. */
  readonly returnsReplies: boolean;
  /** Whether a reply to what is no name of a reply consumer is fatal. */
  readonly failsOnForeignReplies: boolean;
  /** The most "#" in a topic pattern. */
  readonly maxHashes: number;
  /** Whether headers are put in order, and repeated ones dropped. */
  readonly ordersHeaders: boolean;
  /** Whether x-death is what the broker knows, not what a client sent. */
  readonly ownsDeaths: boolean;
  /** How often a quorum queue delivers a message again, by default. */
  readonly deliveryLimit: number;
  /** Whether basic.nack and recover count as deliveries that failed. */
  readonly countsNacks: boolean;
  /** Whether a quorum queue says how often a message was taken. */
  readonly countsAcquired: boolean;
  /** Whether quorum queues without limit put what comes back at the end. */
  readonly requeuesAtEnd: boolean;
  /** Whether a queue that was declared without a type is said to be classic. */
  readonly namesDefaultType: boolean;
  /** Whose deliveries have to be acknowledged in time, and who says in what. */
  readonly consumerTimeouts: ConsumerTimeouts;
  /** Whether `x-queue-mode` means anything, and so is checked. */
  readonly queueModes: boolean;
}

const MIB = 1024 * 1024;

const GENERATION_3_10: Behavior = {
  version: "3.10.8",
  mechanisms: "PLAIN AMQPLAIN",
  headerForStrangers: "AMQP\x00\x00\x09\x01",
  frameMin: 4096,
  maxMessageSize: 128 * MIB,
  unknownExchangeTypeIsHard: true,
  globalQos: true,
  transientQueues: true,
  passiveNeedsPermission: false,
  namesPermission: false,
  returnsReplies: true,
  failsOnForeignReplies: true,
  maxHashes: Infinity,
  ordersHeaders: false,
  ownsDeaths: false,
  deliveryLimit: Infinity,
  countsNacks: true,
  countsAcquired: false,
  requeuesAtEnd: true,
  namesDefaultType: false,
  consumerTimeouts: "all",
  queueModes: true,
};

const GENERATION_4_0: Behavior = {
  ...GENERATION_3_10,
  version: "4.0.5",
  mechanisms: "PLAIN AMQPLAIN ANONYMOUS",
  // AMQP 1.0 with its security layer, which 4.x speaks itself.
  headerForStrangers: "AMQP\x03\x01\x00\x00",
  maxMessageSize: 16 * MIB,
  unknownExchangeTypeIsHard: false,
  namesPermission: true,
  ordersHeaders: true,
  ownsDeaths: true,
  deliveryLimit: 20,
  requeuesAtEnd: false,
  namesDefaultType: true,
  consumerTimeouts: "by queue",
};

const GENERATION_4_3: Behavior = {
  ...GENERATION_4_0,
  version: "4.3.6",
  // A client that takes the first it knows is in for a surprise.
  mechanisms: "ANONYMOUS AMQPLAIN PLAIN",
  frameMin: 8192,
  globalQos: false,
  transientQueues: false,
  passiveNeedsPermission: true,
  returnsReplies: false,
  failsOnForeignReplies: false,
  maxHashes: 2,
  countsNacks: false,
  countsAcquired: true,
  consumerTimeouts: "quorum",
  queueModes: false,
};

/** The generations there are, oldest first. */
export const BEHAVIOR: Readonly<Record<Generation, Behavior>> = {
  "3.10": GENERATION_3_10,
  "4.0": GENERATION_4_0,
  "4.3": GENERATION_4_3,
};

/** Their names, oldest first. */
export const GENERATIONS = Object.keys(BEHAVIOR) as Generation[];

/** What a broker is unless asked for another. */
export const NEWEST: Generation = "4.3";
