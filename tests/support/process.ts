// Programs that a test runs: their input, output, end.

import { cleanEnvironment } from "./environment.ts";
import { Output } from "./output.ts";

/** How a program is run. */
export interface ProcessOptions {
  /** What it reads on stdin. @default nothing: stdin is at its end */
  stdin?: string | Uint8Array;
  /** Variables to set beside those of a clean environment. */
  env?: Record<string, string>;
  /** @default the directory of the tests */
  cwd?: string;
  /** How long `runProcess` and each `waitFor` wait. @default 30_000 */
  timeoutMs?: number;
}

/** How a program is started, to be spoken with while it runs. */
export interface StartOptions extends ProcessOptions {
  /**
   * Leaves stdin open after `stdin` was written, for `write` and `closeStdin`.
   *
   * @default false
   */
  keepStdinOpen?: boolean;
}

/** What a program has left behind. */
export interface Result {
  /** Its exit status; 128 + the number of the signal that ended it. */
  code: number;
  /** The signal that ended it. */
  signal: Deno.Signal | null;
  stdout: string;
  stderr: string;
  /** stdout as it came. */
  stdoutBytes: Uint8Array;
}

/** Which output of a program. */
export type OutputName = "stdout" | "stderr";

/** How `waitFor` waits. */
export interface WaitOptions {
  /** @default timeoutMs of the program */
  timeoutMs?: number;
  /** The first, second, ... line that matches. @default 1 */
  occurrence?: number;
}

const TIMEOUT_MS = 30_000;

/**
 * Runs a program to its end.
 *
 * @throws Error with its output so far if it runs longer than `timeoutMs`; it
 * is killed then.
 */
export async function runProcess(
  command: string,
  args: string[],
  options: ProcessOptions = {},
): Promise<Result> {
  await using running = startProcess(command, args, options);
  return await running.result();
}

/** Starts a program. */
export function startProcess(
  command: string,
  args: string[],
  options: StartOptions = {},
): Running {
  return new Running(command, args, options);
}

/** A program that runs, or has run. It is killed when disposed of. */
export class Running implements AsyncDisposable {
  /** The process id. */
  readonly pid: number;
  /** Resolves when the process has ended; `result()` also has its output. */
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #title: string;
  readonly #timeoutMs: number;
  readonly #outputs: Record<OutputName, Output>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  readonly #fed: Promise<void>;
  #ended = false;

  constructor(command: string, args: string[], options: StartOptions) {
    const { stdin, keepStdinOpen = false, cwd } = options;
    const piped = stdin !== undefined || keepStdinOpen;
    this.#child = new Deno.Command(command, {
      args,
      stdin: piped ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
      env: { ...cleanEnvironment(), ...options.env },
      clearEnv: true,
      ...(cwd === undefined ? {} : { cwd }),
    }).spawn();
    this.pid = this.#child.pid;
    this.#title = [command, ...args].join(" ");
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#outputs = {
      stdout: new Output(this.#child.stdout),
      stderr: new Output(this.#child.stderr),
    };
    this.status = this.#child.status.finally(() => this.#ended = true);
    this.#input = piped ? this.#child.stdin.getWriter() : undefined;
    this.#fed = this.#feed(stdin, keepStdinOpen);
  }

  /** What it has written to stdout so far. */
  stdout(): string {
    return this.#outputs.stdout.text();
  }

  /** What it has written to stderr so far. */
  stderr(): string {
    return this.#outputs.stderr.text();
  }

  /** Writes to its stdin, kept open with `keepStdinOpen`. */
  async write(data: string | Uint8Array): Promise<void> {
    if (!this.#input) throw new TypeError("stdin was not kept open");
    await this.#input.write(toBytes(data));
  }

  /** Ends its stdin. */
  async closeStdin(): Promise<void> {
    if (!this.#input) throw new TypeError("stdin was not kept open");
    await this.#input.close();
  }

  /** Sends it a signal, unless it has ended. */
  kill(signal: Deno.Signal = "SIGTERM"): void {
    if (!this.#ended) this.#child.kill(signal);
  }

  /**
   * The first whole line of an output, past or to come, that holds `text` (a
   * string) or matches it (a pattern).
   *
   * @throws Error with all output if the program ends without such a line, or
   * none comes in time.
   */
  async waitFor(
    text: string | RegExp,
    stream: OutputName = "stdout",
    options: WaitOptions = {},
  ): Promise<string> {
    const { timeoutMs = this.#timeoutMs, occurrence = 1 } = options;
    const output = this.#outputs[stream];
    const matches = (line: string) =>
      typeof text === "string" ? line.includes(text) : line.search(text) >= 0;
    const deadline = Date.now() + timeoutMs;
    while (true) {
      const ended = output.ended;
      const found = output.lines().filter(matches)[occurrence - 1];
      if (found !== undefined) return found;
      if (ended) throw this.#failure(`it ended without ${text} on ${stream}`);
      if (!await within(deadline - Date.now(), output.more())) {
        throw this.#failure(`no ${text} on ${stream} in ${timeoutMs} ms`);
      }
    }
  }

  /**
   * Waits for its end, and gives its status and all its output.
   *
   * @throws Error with its output so far if that takes longer than `timeoutMs`.
   */
  async result(timeoutMs: number = this.#timeoutMs): Promise<Result> {
    const { stdout, stderr } = this.#outputs;
    const end = Promise.all([this.status, stdout.end, stderr.end, this.#fed]);
    if (!await within(timeoutMs, end)) {
      throw this.#failure(`not at its end in ${timeoutMs} ms`);
    }
    const { code, signal } = await this.status;
    return {
      code,
      signal,
      stdout: stdout.text(),
      stderr: stderr.text(),
      stdoutBytes: stdout.bytes(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.status;
    await this.#fed;
    // A child of its own may hold its outputs open.
    await Promise.all([
      this.#outputs.stdout.cancel(),
      this.#outputs.stderr.cancel(),
    ]);
    await this.#input?.abort();
  }

  async #feed(
    stdin: string | Uint8Array | undefined,
    keepOpen: boolean,
  ): Promise<void> {
    const input = this.#input;
    if (!input) return;
    await unlessBroken(async () => {
      if (stdin !== undefined) await input.write(toBytes(stdin));
      // closed first: it tells why a stream that broke can't be closed.
      if (!keepOpen) await Promise.all([input.closed, input.close()]);
    });
  }

  #failure(what: string): Error {
    return new Error(
      `${this.#title}: ${what}\n--- stdout ---\n${this.stdout()}\n` +
        `--- stderr ---\n${this.stderr()}`,
    );
  }
}

/** Whether `promise` settles in time; throws what it rejects with. */
async function within(
  timeoutMs: number,
  promise: Promise<unknown>,
): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), Math.max(timeoutMs, 0));
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A program need not read its stdin: that it is closed is no failure. */
async function unlessBroken(writing: () => Promise<void>): Promise<void> {
  try {
    await writing();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function toBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
