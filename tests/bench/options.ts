// What the suite is asked to do.

import { parseArgs } from "node:util";

/** The sections, in the order in which they run. */
export const SECTIONS = [
  "micro",
  "rpc",
  "sizes",
  "growth",
  "fib",
  "startup",
] as const;
/** A section of the suite. */
export type SectionName = typeof SECTIONS[number];

const BROKERS = ["rabbitmq", "own"] as const;
/** A broker to measure on. */
export type BrokerName = typeof BROKERS[number];

/** Who may take part; ours always does. */
export const PEERS = ["pika", "aio-pika", "amqplib", "amqp091-go"] as const;
/** Somebody else's client library. */
export type PeerName = typeof PEERS[number];

/** How much is measured. */
export interface Amounts {
  /** Of each load, at most, in calls. */
  calls: number;
  /** The same in seconds. */
  seconds: number;
  /** Of which the medians are told. */
  rounds: number;
  /** Requests in flight, of section rpc. */
  concurrency: number[];
  /** Body of section rpc, in bytes. */
  size: number;
  /** Bodies of section sizes, in bytes. */
  sizes: number[];
  /** Requests in flight, of section growth. */
  growth: number[];
  /** What section fib asks for. */
  fib: number;
  /** Whole processes of section startup, each. */
  starts: number;
}

/** All of it. */
export interface BenchOptions {
  only: SectionName[];
  brokers: BrokerName[];
  peers: PeerName[];
  amounts: Amounts;
  json: boolean;
}

export const USAGE = `Usage: deno task bench -- [flags]

  --only LIST         sections: ${SECTIONS.join(", ")} (all)
  --broker LIST       ${BROKERS.join(", ")} (both; all but rpc use the first)
  --peers LIST        ${PEERS.join(", ")} (all that are here), or none
  --rounds N          of which the medians are told (3)
  --calls N           of each load, at most (100000)
  --seconds N         of each load, at most (1.5)
  --concurrency LIST  requests in flight, of section rpc (1,64,512)
  --size BYTES        body, of section rpc (2)
  --quick             very little of everything: does it run at all?
  --json              figures for programs

The tables go to stdout, in Markdown; progress goes to stderr. RABBIT_RPC_BIN
names an executable to be measured instead of the source.`;

const USUAL: Amounts = {
  calls: 100_000,
  seconds: 1.5,
  rounds: 3,
  concurrency: [1, 64, 512],
  size: 2,
  sizes: [2, 4 * 1024, 64 * 1024, 1024 * 1024],
  growth: [1, 10, 100, 1_000, 10_000],
  fib: 30,
  starts: 10,
};

const QUICK: Amounts = {
  calls: 100,
  seconds: 1,
  rounds: 1,
  concurrency: [1, 16],
  size: 2,
  sizes: [2, 64 * 1024],
  growth: [1, 100],
  fib: 20,
  starts: 1,
};

/**
 * Reads the command line; undefined where only help is wanted.
 *
 * @throws RangeError or TypeError naming the flag and its value.
 */
export function parseOptions(args: string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    // `deno task bench -- --quick` hands over the dashes too.
    args: args[0] === "--" ? args.slice(1) : args,
    options: {
      only: { type: "string", default: SECTIONS.join() },
      broker: { type: "string", default: BROKERS.join() },
      peers: { type: "string", default: PEERS.join() },
      rounds: { type: "string" },
      calls: { type: "string" },
      seconds: { type: "string" },
      concurrency: { type: "string" },
      size: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return undefined;
  const usual = values.quick ? QUICK : USUAL;
  const count = (name: "rounds" | "calls" | "size") =>
    values[name] === undefined ? usual[name] : wholeNumber(name, values[name]);
  return {
    only: choices("only", values.only, SECTIONS),
    brokers: choices("broker", values.broker, BROKERS),
    peers: values.peers === "none" ? [] : choices("peers", values.peers, PEERS),
    amounts: {
      ...usual,
      rounds: count("rounds"),
      calls: count("calls"),
      size: count("size"),
      seconds: values.seconds === undefined
        ? usual.seconds
        : positive("seconds", values.seconds),
      concurrency: values.concurrency === undefined
        ? usual.concurrency
        : values.concurrency.split(",")
          .map((text) => wholeNumber("concurrency", text)),
    },
    json: values.json,
  };
}

function choices<T extends string>(
  flag: string,
  list: string,
  known: readonly T[],
): T[] {
  const names = list.split(",");
  const unknown = names.find((name) =>
    !(known as readonly string[]).includes(name)
  );
  if (unknown !== undefined) {
    throw new RangeError(
      `--${flag} knows no "${unknown}", but ${known.join(", ")}`,
    );
  }
  // In the order in which they are known, each once.
  return known.filter((name) => names.includes(name));
}

function wholeNumber(flag: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new RangeError(`--${flag} must be a whole number above 0: ${text}`);
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < Infinity) return value;
  throw new RangeError(`--${flag} must be a number above 0: ${text}`);
}
