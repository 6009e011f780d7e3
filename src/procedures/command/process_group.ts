/**
 * A command in a process group of its own, so that it can be stopped together
 * with all processes that it has started.
 *
 * @module
 */

/** The command line that an operator gave. */
export interface CommandLine {
  /** The name of the program as it was given, for messages. */
  readonly name: string;
  /** The path of the program. */
  readonly path: string;
  /** Its arguments; no shell interprets them. */
  readonly args: readonly string[];
}

/** Time from SIGTERM to SIGKILL. */
const KILL_GRACE_MS = 2_000;

/**
 * A running command and its descendants. When the command exits, the rest of
 * its group is killed; `status` resolves when nothing of it is left.
 *
 * Both outputs must be read to their end.
 */
export class ProcessGroup {
  /** The bytes of its stdout, until the group has ended. */
  readonly stdout: GroupOutput;
  /** The bytes of its stderr, until the group has ended. */
  readonly stderr: GroupOutput;
  /** The exit status of the command, once its whole group has ended. */
  readonly status: Promise<Deno.CommandStatus>;

  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #outputs: GroupOutput[];
  /** Gives up an input that a process outside the group still holds open. */
  readonly #cut = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;
  #stopping = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts the command, with `env` added to the server's environment.
   *
   * @throws {Error} if the system can't start it.
   */
  constructor(command: CommandLine, env: Record<string, string> = {}) {
    this.#child = new Deno.Command(command.path, {
      args: [...command.args],
      env,
      // Makes it the leader of a new session, and thereby of a new group.
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    const { stdout, stderr } = this.#child;
    this.#outputs = [
      this.stdout = new GroupOutput(stdout),
      this.stderr = new GroupOutput(stderr),
    ];
    this.status = this.#watch();
  }

  /**
   * Writes to its stdin, as fast as it reads. It is not an error if it does not
   * read everything.
   */
  write(bytes: Uint8Array): Promise<void> {
    return whileRead(this.#input.write(bytes));
  }

  /** Closes its stdin, once everything is written. */
  closeInput(): Promise<void> {
    return this.#closing ??= whileRead(this.#input.close());
  }

  /** Closes its stdin and lets it exit by itself, or else stops it. */
  async finish(): Promise<Deno.CommandStatus> {
    void this.closeInput();
    const timer = setTimeout(() => void this.stop(), KILL_GRACE_MS);
    try {
      return await this.status;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends SIGTERM to the group, and SIGKILL 2 s later to what is left. */
  async stop(): Promise<Deno.CommandStatus> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.#signal("SIGTERM");
      this.#timer ??= setTimeout(() => this.#kill(), KILL_GRACE_MS);
    }
    return await this.status;
  }

  async #watch(): Promise<Deno.CommandStatus> {
    const status = await this.#child.status;
    const wasStopped = this.#stopping;
    this.#stopping = true;
    // After SIGTERM, the rest of the group has time to exit.
    if (!wasStopped) this.#kill();
    const input = Promise.race([this.closeInput(), this.#cut.promise]);
    await Promise.all([...this.#outputs.map(({ ended }) => ended), input]);
    clearTimeout(this.#timer);
    // Processes that have closed their outputs may still be running.
    if (wasStopped) this.#signal("SIGKILL");
    return status;
  }

  #kill(): void {
    this.#signal("SIGKILL");
    for (const output of this.#outputs) output.waitAtMost(KILL_GRACE_MS);
    this.#timer = setTimeout(() => this.#cut.resolve(), KILL_GRACE_MS);
  }

  #signal(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.#child.pid, signal);
    } catch (error) {
      // It has ended already, or belongs to another user (by sudo).
      if (error instanceof Deno.errors.NotFound) return;
      if (error instanceof Deno.errors.PermissionDenied) return;
      throw error;
    }
  }
}

/** Waits for a write, or until its reader is gone. */
async function whileRead(writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch {
    // A pipe fails only by losing its reader.
  }
}

/**
 * An output of a group, until its end. Once the group is gone, what is left in
 * the pipe is there for a reader, however slow; but a process outside the group
 * may hold the pipe open, and is not waited for any longer than told.
 */
export class GroupOutput implements AsyncIterable<Uint8Array> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #ended = Promise.withResolvers<void>();
  #patienceMs = Infinity;
  /** Since when a read waits; undefined where none does. */
  #waitingSinceMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Reads nothing before it is iterated over. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Resolves when it was read to its end. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** From now on, all reads together wait so long for others to write. */
  waitAtMost(ms: number): void {
    this.#patienceMs = ms;
    if (this.#waitingSinceMs !== undefined) this.#wait();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        this.#wait();
        const { value, done } = await this.#reader.read();
        this.#waited();
        if (done) return;
        yield value;
      }
    } finally {
      this.#waited();
      this.#ended.resolve();
      await this.#reader.cancel();
    }
  }

  #wait(): void {
    this.#waitingSinceMs = performance.now();
    if (this.#patienceMs === Infinity) return;
    const giveUp = () => void this.#reader.cancel();
    this.#timer = setTimeout(giveUp, this.#patienceMs);
  }

  #waited(): void {
    clearTimeout(this.#timer);
    if (this.#waitingSinceMs === undefined) return;
    const waitedMs = performance.now() - this.#waitingSinceMs;
    this.#waitingSinceMs = undefined;
    this.#patienceMs = Math.max(this.#patienceMs - waitedMs, 1);
  }
}

/** How a command ended, for messages: `exited with status 2`. */
export function describeEnd({ code, signal }: Deno.CommandStatus): string {
  return signal === null
    ? `exited with status ${code}`
    : `was killed by ${signal}`;
}

/** How a command ended, as details of an error reply. */
export function endDetails(
  { code, signal }: Deno.CommandStatus,
): { exit_status: number } | { signal: string } {
  return signal === null ? { exit_status: code } : { signal };
}
