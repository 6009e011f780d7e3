/**
 * The instruments: durations after the semantic conventions for RPC, and others
 * with names of our own.
 *
 * @module
 */
import type {
  Counter,
  Histogram,
  Meter,
  ObservableCounter,
  ObservableUpDownCounter,
  UpDownCounter,
} from "@opentelemetry/api";

/** Upper bounds in seconds, from the conventions. */
const DURATION_BOUNDARIES = [
  ...[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75],
  ...[1, 2.5, 5, 7.5, 10],
];

/** In seconds. With their attributes, they also count outcomes. */
const DURATIONS = {
  callDuration: {
    name: "rpc.client.call.duration",
    description: "Time from a call to its reply or error, with all attempts.",
  },
  runDuration: {
    name: "rpc.server.call.duration",
    description: "Time from the start of a procedure to its outcome.",
  },
};

const GAUGES = {
  pending: {
    name: "rabbit_rpc.client.calls.pending",
    unit: "{call}",
    description: "Calls that are waiting for their reply.",
  },
  openStreams: {
    name: "rabbit_rpc.client.streams.open",
    unit: "{stream}",
    description: "Streams that are being read.",
  },
  /** Includes requests that wait for the run of an identical one. */
  inFlight: {
    name: "rabbit_rpc.server.requests.in_flight",
    unit: "{request}",
    description: "Requests that are running.",
  },
};

const COUNTERS = {
  reconnects: {
    name: "rabbit_rpc.connection.reconnects",
    unit: "{connection}",
    description: "Connections after the first.",
  },
  redeliveries: {
    name: "rabbit_rpc.server.requests.redelivered",
    unit: "{request}",
    description: "Requests that the broker had delivered before.",
  },
  replays: {
    name: "rabbit_rpc.server.requests.replayed",
    unit: "{request}",
    description: "Requests that got the answer of an earlier run.",
  },
  droppedRequests: {
    name: "rabbit_rpc.server.requests.dropped",
    unit: "{request}",
    description: "Requests that were neither run nor answered.",
  },
  heldReplies: {
    name: "rabbit_rpc.server.replies.held",
    unit: "{reply}",
    description: "Replies that had to wait for a connection.",
  },
  droppedReplies: {
    name: "rabbit_rpc.server.replies.dropped",
    unit: "{reply}",
    description: "Replies that could not be delivered.",
  },
  receivedItems: {
    name: "rabbit_rpc.client.streams.items",
    unit: "{item}",
    description: "Items of streams that were read.",
  },
  unknownReplies: {
    name: "rabbit_rpc.client.replies.dropped",
    unit: "{reply}",
    description: "Replies that no call was waiting for any more.",
  },
};

/** All instruments of both sides. */
export type Meters =
  & Readonly<Record<keyof typeof DURATIONS, Histogram>>
  & Readonly<Record<keyof typeof GAUGES, UpDownCounter>>
  & Readonly<Record<keyof typeof COUNTERS, Counter>>;

/** What servers tell of their streams, whenever metrics are collected. */
export interface StreamGauges {
  readonly open: ObservableUpDownCounter;
  readonly stalled: ObservableUpDownCounter;
  readonly items: ObservableCounter;
}

/** Registers the instruments of servers' streams. */
export function createStreamGauges(meter: Meter): StreamGauges {
  const name = (of: string) => `rabbit_rpc.server.streams.${of}`;
  return {
    open: meter.createObservableUpDownCounter(name("open"), {
      unit: "{stream}",
      description: "Streams that are open.",
    }),
    stalled: meter.createObservableUpDownCounter(name("stalled"), {
      unit: "{stream}",
      description: "Open streams that wait for their caller to take items.",
    }),
    items: meter.createObservableCounter(name("items"), {
      unit: "{item}",
      description: "Items that were sent.",
    }),
  };
}

/** Registers all instruments. */
export function createMeters(meter: Meter): Meters {
  return {
    ...each(DURATIONS, ({ name, description }) =>
      meter.createHistogram(name, {
        description,
        unit: "s",
        advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
      })),
    ...each(
      GAUGES,
      ({ name, unit, description }) =>
        meter.createUpDownCounter(name, { description, unit }),
    ),
    ...each(COUNTERS, ({ name, unit, description }) => {
      const counter = meter.createCounter(name, { description, unit });
      // Exported from the start: zero is a figure, too.
      counter.add(0);
      return counter;
    }),
  };
}

function each<K extends string, D, I>(
  definitions: Record<K, D>,
  create: (definition: D) => I,
): Record<K, I> {
  const entries = Object.entries<D>(definitions)
    .map(([key, definition]) => [key, create(definition)]);
  return Object.fromEntries(entries) as Record<K, I>;
}
