/**
 * How the generations of RabbitMQ differ. Nothing else in the broker compares
 * versions. The tests tests/broker/contract_* check each line here against
 * RabbitMQ itself.
 */

/** A generation of RabbitMQ, named after one of its release series. */
export type Generation = "3.10" | "4.0" | "4.3";

/**
 * Which deliveries must be settled in time. "all": those of all queues, within
 * the broker's time; "by queue": the same, but a queue may set its own time
 * with `x-consumer-timeout`; "quorum": those of quorum queues, where a queue or
 * a consumer may set its own time.
 */
export type ConsumerTimeouts = "all" | "by queue" | "quorum";

/** How a generation behaves where generations differ. */
export interface Behavior {
  /** The release that was measured; the server properties contain it. */
  readonly version: string;
  /** The authentication mechanisms, as connection.start lists them. */
  readonly mechanisms: string;
  /** The answer to octets that are not a protocol header of AMQP. */
  readonly answerToOtherProtocols: string;
  /** The smallest frame_max that a client may choose, in octets. */
  readonly frameMin: number;
  /** The default for the largest body, in octets. */
  readonly maxMessageSize: number;
  /** Whether an unknown exchange type closes the connection. */
  readonly unknownExchangeTypeIsHard: boolean;
  /** Whether `global` in basic.qos applies to the channel, or is ignored. */
  readonly globalQos: boolean;
  /** Whether a queue may be neither durable nor exclusive. */
  readonly transientQueues: boolean;
  /** Whether a passive declaration needs any of the permissions. */
  readonly passiveNeedsPermission: boolean;
  /** Whether the reply text names the permission that is missing. */
  readonly namesPermission: boolean;
  /** Whether a mandatory message to a reply consumer is returned as well. */
  readonly returnsReplies: boolean;
  /** Whether a malformed name of a reply consumer closes the connection. */
  readonly failsOnForeignReplies: boolean;
  /** The largest number of "#" in a topic pattern. */
  readonly maxHashes: number;
  /** Whether headers are sorted by name, and repeated names dropped. */
  readonly ordersHeaders: boolean;
  /** Whether an x-death that a client sends is ignored. */
  readonly ownsDeaths: boolean;
  /** The default for how often a quorum queue redelivers a message. */
  readonly deliveryLimit: number;
  /** Whether basic.nack and basic.recover count as failed deliveries. */
  readonly countsNacks: boolean;
  /** Whether quorum queues add the header x-acquired-count. */
  readonly countsAcquired: boolean;
  /** Whether a quorum queue without a limit requeues messages at its end. */
  readonly requeuesAtEnd: boolean;
  /** Whether a queue that is declared without a type gets the type classic. */
  readonly namesDefaultType: boolean;
  /** Which deliveries must be settled in time. */
  readonly consumerTimeouts: ConsumerTimeouts;
  /** Whether `x-queue-mode` is supported, and so is checked. */
  readonly queueModes: boolean;
}

const MIB = 1024 * 1024;

const GENERATION_3_10: Behavior = {
  version: "3.10.8",
  mechanisms: "PLAIN AMQPLAIN",
  answerToOtherProtocols: "AMQP\x00\x00\x09\x01",
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
  // The header of AMQP 1.0 with SASL, which RabbitMQ 4 speaks.
  answerToOtherProtocols: "AMQP\x03\x01\x00\x00",
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
  // A client that takes the first mechanism it knows may become anonymous.
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

/** The behavior of each generation, oldest first. */
export const BEHAVIOR: Readonly<Record<Generation, Behavior>> = {
  "3.10": GENERATION_3_10,
  "4.0": GENERATION_4_0,
  "4.3": GENERATION_4_3,
};

/** The names of the generations, oldest first. */
export const GENERATIONS = Object.keys(BEHAVIOR) as Generation[];

/** The default generation. */
export const NEWEST: Generation = "4.3";
