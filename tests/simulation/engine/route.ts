// The way from one machine to the broker: what its connections are like, and
// what becomes of those that are asked for.

import type { Conditions } from "./pipe.ts";

/** Up is to the broker. */
export type Direction = "up" | "down";

/** What becomes of a connection that is asked for. */
export type Dialing =
  | "accepted"
  | "refused"
  /** No answer at all. */
  | "ignored"
  /** It is made, and nothing comes over it. */
  | "half-open";

/** One direction of a way. */
export class Lane implements Conditions {
  latencyMs: number;
  jitterMs: number;
  bytesPerMs = Infinity;
  isStalled = false;

  constructor(latencyMs: number, jitterMs: number) {
    this.latencyMs = latencyMs;
    this.jitterMs = jitterMs;
  }
}

/** A way. */
export class Route {
  readonly up: Lane;
  readonly down: Lane;
  dialing: Dialing = "accepted";

  constructor(latencyMs: number, jitterMs: number) {
    this.up = new Lane(latencyMs, jitterMs);
    this.down = new Lane(latencyMs, jitterMs);
  }
}
