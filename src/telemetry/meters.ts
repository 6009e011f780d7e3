/**
 * The instruments: durations after the semantic conventions for RPC, and what
 * those do not know under names of our own.
 *
 * @module
 */
import type {
  Counter,
  Histogram,
  Meter,
  UpDownCounter,
} from "@opentelemetry/api";

/** Upper bounds in seconds, as the conventions want them. */
const DURATION_BOUNDARIES = [
  ...[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75],
  ...[1, 2.5, 5, 7.5, 10],
];

/** All that is measured, on both sides. */
export class Meters {
  /** In seconds, by outcome: its counts are the calls by outcome. */
  readonly callDuration: Histogram;
  /** Calls that wait for their reply. */
  readonly pending: UpDownCounter;
  /** In seconds, by outcome: its counts are the runs by outcome. */
  readonly runDuration: Histogram;
  /** Procedures that run, and requests that wait for the run of their like. */
  readonly inFlight: UpDownCounter;
  readonly reconnects: Counter;
  readonly redeliveries: Counter;
  readonly replays: Counter;
  readonly heldReplies: Counter;
  readonly droppedReplies: Counter;
  readonly droppedRequests: Counter;
  readonly unknownReplies: Counter;

  /** Registers them. */
  constructor(meter: Meter) {
    const duration = (name: string, description: string) =>
      meter.createHistogram(name, {
        description,
        unit: "s",
        advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
      });
    const gauge = (name: string, unit: string, description: string) =>
      meter.createUpDownCounter(name, { description, unit });
    const counter = (name: string, unit: string, description: string) => {
      const counter = meter.createCounter(name, { description, unit });
      // Nothing yet is a figure as well, and a name to look for.
      counter.add(0);
      return counter;
    };
    this.callDuration = duration(
      "rpc.client.call.duration",
      "From the call to its reply or error, all attempts included.",
    );
    this.pending = gauge(
      "rabbit_rpc.client.calls.pending",
      "{call}",
      "Calls that wait for their reply.",
    );
    this.runDuration = duration(
      "rpc.server.call.duration",
      "From the start of a procedure to its outcome.",
    );
    this.inFlight = gauge(
      "rabbit_rpc.server.requests.in_flight",
      "{request}",
      "Requests that are being run.",
    );
    this.reconnects = counter(
      "rabbit_rpc.connection.reconnects",
      "{connection}",
      "Connections made after the first.",
    );
    this.redeliveries = counter(
      "rabbit_rpc.server.requests.redelivered",
      "{request}",
      "Requests that the broker had delivered before.",
    );
    this.replays = counter(
      "rabbit_rpc.server.requests.replayed",
      "{request}",
      "Requests that got the answer of an earlier run.",
    );
    this.droppedRequests = counter(
      "rabbit_rpc.server.requests.dropped",
      "{request}",
      "Requests that were neither run nor answered.",
    );
    this.heldReplies = counter(
      "rabbit_rpc.server.replies.held",
      "{reply}",
      "Replies that had to wait for a connection.",
    );
    this.droppedReplies = counter(
      "rabbit_rpc.server.replies.dropped",
      "{reply}",
      "Replies that could not be delivered.",
    );
    this.unknownReplies = counter(
      "rabbit_rpc.client.replies.dropped",
      "{reply}",
      "Replies that nobody awaited any more.",
    );
  }
}
