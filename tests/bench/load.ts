// What a client of the suite is told to do, and what it reports. A client,
// whatever it is written in, connects, reads loads from stdin, a JSON object a
// line, and writes the figures of each to stdout in the same way. So warm-up,
// rounds and several loads need one process, and what stands still in between
// can be measured from outside.

/** Calls to make: as many in flight all the time, until either end comes. */
export interface Load {
  /** At most so many. */
  calls: number;
  /** None is begun later; those in flight are waited for. */
  seconds: number;
  /** In flight at once. */
  concurrency: number;
  /** Of each request. */
  body: string;
}

/** What came of a load. */
export interface Figures {
  /** All of them were answered; a client that can't have it so ends. */
  calls: number;
  /** From the first request to the last reply. */
  seconds: number;
  p50_ms: number;
  p99_ms: number;
}
