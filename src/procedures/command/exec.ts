/**
 * Serves a command with one process for each request.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Semaphore } from "../../async/semaphore.ts";
import { RpcError } from "../../rpc/errors.ts";
import type { RpcRequest } from "../../rpc/messages.ts";
import type { RpcContext } from "../../rpc/procedure.ts";
import { replyTooLong } from "../../rpc/serving/request_limits.ts";
import type { Service } from "../service.ts";
import { ChildLog } from "./child_log.ts";
import { Splitter } from "../splitter.ts";
import { type ExecOptions, execSettings } from "./exec_options.ts";
import {
  type CommandLine,
  describeEnd,
  endDetails,
  ProcessGroup,
} from "./process_group.ts";
import { requestEnvironment } from "./request_environment.ts";

/**
 * Serves a command. Its stdin is the body of the request, its stdout the reply
 * or a stream of replies, and `RABBIT_RPC_*` variables hold the rest of the
 * request. While nobody takes its items, its stdout is not read. An exit status
 * other than 0 is an `internal` error with `exit_status` (or `signal`) among its
 * details. When a request ends early, so do all processes of its command.
 */
export function createExec(
  command: CommandLine,
  options: ExecOptions,
): Service {
  return new Exec(command, options);
}

const NEWLINE = 10;

class Exec implements Service {
  readonly concurrency: number;
  readonly #command: CommandLine;
  readonly #maxReplyBytes: number;
  readonly #stream: ExecOptions["stream"];
  readonly #log: ChildLog;
  readonly #semaphore: Semaphore;
  readonly #children = new Set<ProcessGroup>();

  constructor(command: CommandLine, options: ExecOptions) {
    const { log, concurrency, maxReplyBytes } = execSettings(options);
    this.concurrency = concurrency;
    this.#command = command;
    this.#maxReplyBytes = maxReplyBytes;
    this.#stream = options.stream;
    this.#log = new ChildLog(command.name, log);
    this.#semaphore = new Semaphore(concurrency);
  }

  readonly procedure = (
    request: RpcRequest,
    context: RpcContext,
  ): Promise<Uint8Array> | AsyncGenerator<Uint8Array> => {
    const output = this.#output(request, context);
    if (this.#stream === undefined) return this.#whole(output);
    return this.#stream === "lines"
      ? linesOf(output, this.#maxReplyBytes)
      : output;
  };

  /** Stops all processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.stop()));
  }

  #start(env: Record<string, string>): ProcessGroup {
    try {
      return new ProcessGroup(this.#command, env);
    } catch (error) {
      const { name } = this.#command;
      const reason = (error as Error).message;
      this.#log.add(`cannot start "${name}": ${reason}`);
      // The system may be out of resources only for the moment.
      const { code } = RpcError.from(error);
      throw new RpcError(code, `"${name}" could not be started`, {
        cause: error,
      });
    }
  }

  /** What a process writes, as fast as it is read; then its failure, if any. */
  async *#output(
    request: RpcRequest,
    { signal, deadlineMs }: RpcContext,
  ): AsyncGenerator<Uint8Array> {
    // The server does not count processes that are still being stopped.
    await this.#semaphore.acquire(signal);
    try {
      signal.throwIfAborted();
      const env = requestEnvironment(request, deadlineMs);
      yield* this.#run(this.#start(env), request.bytes, signal);
    } finally {
      this.#semaphore.release();
    }
  }

  async *#run(
    child: ProcessGroup,
    body: Uint8Array,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const stop = () => void child.stop();
    signal.addEventListener("abort", stop, { once: true });
    this.#children.add(child);
    const logged = this.#log.copy(child.stderr);
    if (body.length > 0) void child.write(body);
    void child.closeInput();
    try {
      yield* child.stdout;
      const status = await child.status;
      signal.throwIfAborted();
      if (!status.success) throw this.#failure(status);
    } finally {
      await child.stop();
      await logged;
      this.#children.delete(child);
      signal.removeEventListener("abort", stop);
    }
  }

  async #whole(output: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of output) {
      length += chunk.length;
      if (length > this.#maxReplyBytes) {
        throw replyTooLong(this.#maxReplyBytes);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, length);
  }

  #failure(status: Deno.CommandStatus): RpcError {
    return new RpcError(
      "internal",
      `"${this.#command.name}" ${describeEnd(status)}`,
      { details: endDetails(status) },
    );
  }
}

/** An item a line, with its newline: all of them together are the output. */
async function* linesOf(
  output: AsyncGenerator<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const splitter = new Splitter(NEWLINE, maxBytes);
  for await (const chunk of output) {
    for (const line of splitter.split(chunk)) {
      if (line.length >= maxBytes) throw replyTooLong(maxBytes);
      yield withNewline(line);
    }
  }
  yield* splitter.rest();
}

function withNewline(line: Uint8Array): Uint8Array {
  const item = new Uint8Array(line.length + 1);
  item.set(line);
  item[line.length] = NEWLINE;
  return item;
}
