/**
 * Serves a command with one process for all requests, so that it has to load
 * only once. It reads a line for each request and answers with a line, in any
 * order.
 *
 * @module
 */
import { delay, settled } from "../../async/delay.ts";
import { RpcError } from "../../rpc/errors.ts";
import type { RpcRequest } from "../../rpc/messages.ts";
import type { RpcContext } from "../../rpc/procedure.ts";
import { formatMs } from "../../rpc/texts.ts";
import type { Service } from "../service.ts";
import { ChildLog } from "./child_log.ts";
import { type CommandOptions, execSettings } from "./exec_options.ts";
import type { LineReply } from "./line_call.ts";
import { LineCalls } from "./line_calls.ts";
import {
  encodeCancelLine,
  encodeRequestLine,
  maxAnswerBytes,
} from "./line_protocol.ts";
import { lines } from "./lines.ts";
import {
  type CommandLine,
  describeEnd,
  endDetails,
  ProcessGroup,
} from "./process_group.ts";
import { RestartBackoff } from "../restart_backoff.ts";

/** How a child ended. */
interface End {
  readonly why: string;
  readonly details: Record<string, unknown>;
}

/**
 * Serves a command that speaks the line protocol. It is started at once, and
 * again, after a backoff, whenever it ends. Requests that it had then are
 * answered with `aborted`; those that it did not have yet wait for the next
 * process. The child does not hear when a request times out or is canceled, and
 * its answer is ignored; except for a stream that has begun. While the items of
 * one stream pile up, the child is not read.
 */
export function createExecLines(
  command: CommandLine,
  options: CommandOptions,
): Service {
  return new ExecLines(command, options);
}

class ExecLines implements Service {
  readonly concurrency: number;
  readonly #command: CommandLine;
  readonly #log: ChildLog;
  readonly #maxLineBytes: number;
  readonly #calls: LineCalls;
  readonly #stopping = new AbortController();
  readonly #supervised: Promise<void>;
  #child: ProcessGroup | undefined;
  /** The last write to the child; writes follow each other. */
  #written: Promise<void> = Promise.resolve();

  constructor(command: CommandLine, options: CommandOptions) {
    const { log, concurrency, maxReplyBytes } = execSettings(options);
    this.concurrency = concurrency;
    this.#command = command;
    this.#log = new ChildLog(command.name, log);
    this.#maxLineBytes = maxAnswerBytes(maxReplyBytes);
    this.#calls = new LineCalls(
      command.name,
      maxReplyBytes,
      (id) => void this.#child?.write(encodeCancelLine(id)),
    );
    this.#supervised = this.#supervise();
  }

  readonly procedure = (
    request: RpcRequest,
    context: RpcContext,
  ): Promise<LineReply> => {
    const { id, reply } = this.#calls.add({
      encode: (id) => encodeRequestLine(id, request, context.deadlineMs),
      signal: context.signal,
      progress: (value) => context.progress(value),
    });
    if (this.#child) this.#send(this.#child, id);
    return reply;
  };

  /** Lets the child end by itself, or else stops it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#child?.finish();
    await this.#supervised;
  }

  /** Runs one child after the other. */
  async #supervise(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new RestartBackoff();
    while (!signal.aborted) {
      const answeredBefore = this.#calls.answered;
      const end = await this.#runChild();
      if (signal.aborted) break;
      if (this.#calls.answered > answeredBefore) backoff.succeeded();
      else backoff.failed();
      this.#calls.abort(this.#aborted(end), backoff.isHopeless);
      const delayMs = backoff.delayMs();
      this.#log.add(this.#startingAgain(end, backoff.failures, delayMs));
      await settled(delay(delayMs, signal));
    }
    this.#calls.abort(new RpcError("aborted", "the server was stopped"), true);
  }

  /** Runs one child to its end. */
  async #runChild(): Promise<End> {
    let child: ProcessGroup;
    try {
      child = new ProcessGroup(this.#command);
    } catch (error) {
      const { message } = error as Error;
      return { why: `could not be started: ${message}`, details: {} };
    }
    this.#child = child;
    this.#written = Promise.resolve();
    const logged = this.#log.copy(child.stderr);
    for (const id of this.#calls.unsent()) this.#send(child, id);
    const fault = await this.#read(child);
    this.#child = undefined;
    const status = await (fault ? child.stop() : child.finish());
    await logged;
    return {
      why: fault ?? describeEnd(status),
      details: fault ? {} : endDetails(status),
    };
  }

  /** Reads answers to the end; returns the fault that makes it stop early. */
  async #read(child: ProcessGroup): Promise<string | undefined> {
    for await (const line of lines(child.stdout, this.#maxLineBytes)) {
      if (line.cut) {
        return `wrote a line of more than ${this.#maxLineBytes} bytes`;
      }
      const complaint = this.#calls.answer(line);
      if (complaint) this.#log.add(complaint);
      if (this.#calls.isFull) await this.#calls.room();
    }
  }

  /** Sends a request after the ones before it, as fast as the child reads. */
  #send(child: ProcessGroup, id: string): void {
    this.#written = this.#written.then(async () => {
      const line = child === this.#child && this.#calls.take(id);
      if (line) await child.write(line);
    });
  }

  #aborted({ why, details }: End): RpcError {
    const message =
      `"${this.#command.name}" ${why} before its answer was complete`;
    return new RpcError("aborted", message, { details });
  }

  #startingAgain({ why }: End, failures: number, delayMs: number): string {
    const inVain = failures > 0 ? " before it answered anything" : "";
    const inARow = failures > 1 ? `, ${failures} times in a row` : "";
    return `"${this.#command.name}" ${why}${inVain}${inARow}; ` +
      `starting it again in ${formatMs(delayMs)}`;
  }
}
