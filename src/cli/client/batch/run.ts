/**
 * Runs a batch: requests from stdin, replies to stdout, the log to stderr.
 *
 * @module
 */
import { Caller, type Outcome } from "../caller.ts";
import { outcomeJson } from "../json_lines.ts";
import { ClientConnection } from "../connection.ts";
import { paintFor } from "../../stdio/color.ts";
import { Log } from "../../log.ts";
import { counted } from "../../../rpc/texts.ts";
import { OrderedOutput } from "../../stdio/ordered_output.ts";
import { Pace, until } from "../../pace.ts";
import {
  callOptions,
  type ClientFlags,
  streamOptions,
  subjectOf,
} from "../flags.ts";
import { ItemOutput } from "../stream/item_output.ts";
import { StreamCaller } from "../stream/stream_caller.ts";
import { sentence } from "../../advice.ts";
import { onStopSignal, stoppedStatus } from "../../signals.ts";
import { Pipeline, type RequestCaller } from "./pipeline.ts";
import { FailedFile } from "./failed_file.ts";
import { Progress } from "./progress.ts";
import {
  type BatchRequest,
  type InputFormat,
  inputFormat,
} from "./requests.ts";
import { StdinRequests, stdinSize } from "./stdin.ts";
import { Tally, wantsSummary } from "./tally.ts";

const NO_BYTES = new Uint8Array(0);
/** Longer delays are not made up for: `--rate` is an upper limit. */
const MAKES_UP_FOR_MS = 100;

/**
 * Sends all requests on stdin and returns the exit status.
 *
 * @throws {Deno.errors.BrokenPipe} if the reader of stdout has gone.
 * @throws {CliError} if a file can't be read or written.
 */
export async function runBatch(
  queue: string,
  flags: ClientFlags,
): Promise<number> {
  const format = inputFormat(flags);
  const tally = new Tally();
  const paint = paintFor("stderr", flags.color);
  // Not while a person types the requests.
  const wanted = !flags.quiet && !Deno.stdin.isTerminal();
  using progress = new Progress(wanted, tally, stdinSize(), paint);
  const clear = () => progress.clear();
  await using connection = await ClientConnection.create(queue, flags, clear);
  using failures = flags.failed === undefined
    ? undefined
    : FailedFile.open(flags.failed, format.separator);
  const parts = { queue, flags, format, tally, progress, connection, failures };
  return await new BatchRun(parts).run();
}

/** The parts of a batch. */
interface Parts {
  readonly queue: string;
  readonly flags: ClientFlags;
  readonly format: InputFormat;
  readonly tally: Tally;
  readonly progress: Progress;
  readonly connection: ClientConnection;
  readonly failures: FailedFile | undefined;
}

/** A batch, from its first line to its exit status. */
class BatchRun {
  readonly #parts: Parts;
  readonly #log: Log;
  readonly #pipeline: Pipeline;
  readonly #input: StdinRequests;
  readonly #output: OrderedOutput;
  readonly #pace: Pace | undefined;
  /** Aborted when no more is to be sent. */
  readonly #stopping = new AbortController();
  /** Aborted when no reply is to be awaited. */
  readonly #canceling = new AbortController();
  #interruptedBy: Deno.Signal | undefined;

  constructor(parts: Parts) {
    const { flags, format, progress } = parts;
    this.#parts = parts;
    this.#log = new Log(flags);
    this.#input = new StdinRequests(format);
    const separator = Uint8Array.of(format.separator);
    this.#output = new OrderedOutput({
      end: flags.json ? undefined : flags.stream ? NO_BYTES : separator,
      // Else the progress line would stand among the replies.
      beforeWrite: Deno.stdout.isTerminal()
        ? () => progress.cleared()
        : undefined,
    });
    this.#pace = flags.rate === undefined
      ? undefined
      : new Pace(flags.rate, MAKES_UP_FOR_MS);
    const { signal } = this.#canceling;
    this.#pipeline = new Pipeline(callerOf(parts, this.#output, signal), {
      concurrency: flags.concurrency,
      // Of streams, all but failures is written already.
      ordered: !flags.unordered && !flags.stream,
      ready: () => this.#ready(),
      onOutcome: (request, outcome) => this.#onOutcome(request, outcome),
    });
  }

  async run(): Promise<number> {
    const { queue, flags, connection, tally } = this.#parts;
    const startedMs = performance.now();
    using _signals = onStopSignal((times, signal) => {
      this.#interrupt(times, signal);
    });
    using _watch = connection.watch(
      queue,
      flags,
      this.#pipeline,
      (sentence) => this.#say(sentence),
    );
    try {
      const running = this.#pipeline.run(this.#input, this.#stopping.signal);
      await Promise.race([running, this.#output.broken]);
      await this.#output.flushed();
    } finally {
      this.#stop();
      this.#parts.progress.end();
    }
    if (wantsSummary(flags)) {
      this.#say(tally.summary(performance.now() - startedMs));
    }
    return this.#interruptedBy === undefined
      ? tally.status
      : stoppedStatus(this.#interruptedBy);
  }

  #ready(): Promise<void> | undefined {
    return this.#output.full ? this.#roomAndTurn() : this.#turn();
  }

  async #roomAndTurn(): Promise<void> {
    await this.#output.flushed();
    await this.#turn();
  }

  #turn(): Promise<void> | undefined {
    return this.#pace && until(this.#pace.next(), this.#stopping.signal);
  }

  #onOutcome(request: BatchRequest, outcome: Outcome): void {
    const { flags, tally, failures } = this.#parts;
    const { body = NO_BYTES, error, latencyMs } = outcome;
    tally.add(error, request.record.length + 1);
    if (!flags.stream) {
      this.#output.add(flags.json ? outcomeJson(outcome) : body);
    } else if (flags.json && error) {
      this.#output.add(outcomeJson(outcome));
    }
    if (error === undefined) return;
    failures?.add(request.record);
    // The program is ending, since the reader of its results has gone.
    if (error.reason === "closed") return;
    if (!flags.quiet) this.#reportFailure(request, error, latencyMs);
    if (flags.failFast && !this.#stopping.signal.aborted) {
      this.#stop();
      this.#say(`stopped at the first failure, ${this.#whereItStopped}`);
    }
  }

  #reportFailure(
    { id, line, invalid }: BatchRequest,
    error: NonNullable<Outcome["error"]>,
    latencyMs: number,
  ): void {
    const { queue, flags, format: { unit } } = this.#parts;
    // The error of an invalid line names the line itself.
    const where = invalid ? "" : `${unit} ${line} of stdin: `;
    const subject = subjectOf(queue, flags, latencyMs);
    const message = `${where}${sentence(error, subject)}`;
    this.#parts.progress.clear();
    this.#log.failure(error, message, { id });
  }

  #interrupt(times: number, signal: Deno.Signal): void {
    this.#interruptedBy ??= signal;
    this.#stop();
    if (times > 1) return this.#canceling.abort(signal);
    const { inFlight } = this.#pipeline;
    const rest = inFlight === 0
      ? "nothing is in flight"
      : `waiting for ${counted(inFlight, "request")} in flight; ` +
        "a second signal cancels them";
    this.#say(`stopping ${this.#whereItStopped}; ${rest}`);
  }

  get #whereItStopped(): string {
    const { unit } = this.#parts.format;
    const { lastLine } = this.#pipeline;
    return lastLine === 0
      ? `before the first ${unit}`
      : `after ${unit} ${lastLine} of stdin`;
  }

  #stop(): void {
    this.#stopping.abort();
    this.#input.stop();
  }

  #say(sentence: string): void {
    this.#parts.progress.clear();
    this.#log.info(sentence);
  }
}

/** Makes the calls, or asks for the streams and writes their items. */
function callerOf(
  { queue, flags, format, connection: { rpc } }: Parts,
  output: OrderedOutput,
  signal: AbortSignal,
): RequestCaller {
  const { json = false, outer } = flags;
  if (!flags.stream) {
    const options = { ...callOptions(flags), signal };
    return new Caller(rpc, queue, options, outer);
  }
  return new StreamCaller({
    rpc,
    queue,
    options: { ...streamOptions(flags), signal },
    outer,
    output: new ItemOutput(output, {
      json,
      end: Uint8Array.of(format.separator),
    }),
  });
}
