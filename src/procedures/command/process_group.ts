/**
 * A command that runs in a process group of its own, so that it can be ended
 * with whatever it has started.
 *
 * @module
 */

/** A command, as an operator wrote it. */
export interface CommandLine {
  /** The program by the name that was given; for people. */
  readonly name: string;
  /** Where the program is. */
  readonly path: string;
  /** Its arguments, passed on as they are: no shell sees them. */
  readonly args: readonly string[];
}

/** From the polite signal to the one that nobody can ignore, in ms. */
const KILL_GRACE_MS = 2_000;

/**
 * A running command and its descendants. When the command exits, what it left
 * in its group is killed: `status` resolves when nothing of it is left.
 *
 * Both outputs must be read to their end.
 */
export class ProcessGroup {
  /** The bytes of its stdout, until the group has ended. */
  readonly stdout: AsyncIterable<Uint8Array>;
  /** The bytes of its stderr, until the group has ended. */
  readonly stderr: AsyncIterable<Uint8Array>;
  /** The exit status of the command, when its whole group has ended. */
  readonly status: Promise<Deno.CommandStatus>;

  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  /** Gives up the streams, which a process outside the group may hold open. */
  readonly #cut = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;
  #stopping = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts the command, with the server's environment and `env` on top.
   *
   * @throws {Error} where the system can't start it.
   */
  constructor(command: CommandLine, env: Record<string, string> = {}) {
    this.#child = new Deno.Command(command.path, {
      args: [...command.args],
      env,
      // Makes it the leader of a new session, and so of a new group.
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    const outputs = [this.#child.stdout, this.#child.stderr].map((stream) =>
      new GroupOutput(stream, this.#cut.promise)
    );
    [this.stdout, this.stderr] = outputs as [GroupOutput, GroupOutput];
    this.status = this.#watch(outputs.map(({ ended }) => ended));
  }

  /**
   * Writes to its stdin, as fast as it reads. What is not read is no error:
   * what the command makes of its input shows in its output and status.
   */
  write(bytes: Uint8Array): Promise<void> {
    return whileRead(this.#input.write(bytes));
  }

  /** Ends its stdin, once it has read what was written. */
  closeInput(): Promise<void> {
    return this.#closing ??= whileRead(this.#input.close());
  }

  /** Ends its stdin and lets it exit by itself; stops it if it does not. */
  async finish(): Promise<Deno.CommandStatus> {
    void this.closeInput();
    const timer = setTimeout(() => void this.stop(), KILL_GRACE_MS);
    try {
      return await this.status;
    } finally {
      clearTimeout(timer);
    }
  }

  /** SIGTERM to the whole group, and SIGKILL to what is left 2 s later. */
  async stop(): Promise<Deno.CommandStatus> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.#signal("SIGTERM");
      this.#timer ??= setTimeout(() => this.#kill(), KILL_GRACE_MS);
    }
    return await this.status;
  }

  async #watch(outputs: Promise<void>[]): Promise<Deno.CommandStatus> {
    const status = await this.#child.status;
    const wasTold = this.#stopping;
    this.#stopping = true;
    // What was told to stop has its time to do so.
    if (!wasTold) this.#kill();
    const input = Promise.race([this.closeInput(), this.#cut.promise]);
    await Promise.all([...outputs, input]);
    clearTimeout(this.#timer);
    // Those that closed their outputs may be there all the same.
    if (wasTold) this.#signal("SIGKILL");
    return status;
  }

  #kill(): void {
    this.#signal("SIGKILL");
    this.#timer = setTimeout(() => this.#cut.resolve(), KILL_GRACE_MS);
  }

  #signal(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.#child.pid, signal);
    } catch (error) {
      // Gone already, or (by way of sudo) another user's.
      if (error instanceof Deno.errors.NotFound) return;
      if (error instanceof Deno.errors.PermissionDenied) return;
      throw error;
    }
  }
}

/** A write; it ends as well when its reader is gone. */
async function whileRead(writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch {
    // A pipe fails in no other way than by losing its reader.
  }
}

/** One output of a group: read to its end, or until it is cut. */
class GroupOutput implements AsyncIterable<Uint8Array> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #ended = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>, cut: Promise<void>) {
    this.#reader = stream.getReader();
    void cut.then(() => this.#reader.cancel());
  }

  /** Resolves when it has been read. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        const { value, done } = await this.#reader.read();
        if (done) return;
        yield value;
      }
    } finally {
      this.#ended.resolve();
      await this.#reader.cancel();
    }
  }
}

/** How a command ended, after its name: `exited with status 2`. */
export function describeEnd({ code, signal }: Deno.CommandStatus): string {
  return signal === null
    ? `exited with status ${code}`
    : `was ended by ${signal}`;
}

/** The same for programs, as details of an error reply. */
export function endDetails(
  { code, signal }: Deno.CommandStatus,
): { exit_status: number } | { signal: string } {
  return signal === null ? { exit_status: code } : { signal };
}
