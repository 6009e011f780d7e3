// A process of a chaos run, whose lines are read as they come.

import { cleanEnvironment } from "../support/environment.ts";
import { resolve } from "node:path";
import { readLines } from "./lines.ts";
import type { Line } from "./messages.ts";

const ROOT = resolve(import.meta.dirname ?? ".", "../..");
/** What is kept of stderr, in lines. */
const TAIL_LINES = 40;

/** One server or client. It is killed when disposed of. */
export class ChaosProcess implements AsyncDisposable {
  /** The name that the broker shows for its connection. */
  readonly name: string;
  /** Resolves when it has ended and all its lines have been told. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stderr: string[] = [];
  #isEnded = false;
  #isToEnd = false;

  /** `script` is a file of this directory; `onLine` hears what it prints. */
  constructor(
    script: string,
    options: { name: string },
    onLine: (line: Line) => void,
  ) {
    this.name = options.name;
    this.#child = new Deno.Command(Deno.execPath(), {
      env: cleanEnvironment(),
      clearEnv: true,
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--config",
        `${ROOT}/deno.json`,
        "--allow-net=127.0.0.1",
        "--allow-read",
        "--allow-env",
        `${import.meta.dirname}/${script}`,
        JSON.stringify(options),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.ended = this.#end(onLine);
  }

  /** Whether it was told to end. */
  get isToEnd(): boolean {
    return this.#isToEnd;
  }

  /** The end of what it wrote to stderr. */
  get stderrTail(): string {
    return this.#stderr.join("\n");
  }

  /** Ends it, as is expected of it from now on. */
  kill(signal: "SIGKILL" | "SIGTERM"): void {
    this.#isToEnd = true;
    if (!this.#isEnded) this.#child.kill(signal);
  }

  /** Writes a line to its stdin. */
  async write(line: string): Promise<void> {
    if (this.#isEnded) return;
    await this.#stdin.write(new TextEncoder().encode(line + "\n"));
  }

  /** Ends its stdin; it may end now. */
  async closeStdin(): Promise<void> {
    this.#isToEnd = true;
    await this.#stdin.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.ended;
  }

  async #end(onLine: (line: Line) => void): Promise<Deno.CommandStatus> {
    const { stdout, stderr, status } = this.#child;
    await Promise.all([
      readLines(stdout, (line) => onLine(JSON.parse(line))),
      readLines(stderr, (line) => this.#keep(line)),
      status,
    ]);
    this.#isEnded = true;
    await this.#stdin.abort();
    return await status;
  }

  #keep(line: string): void {
    this.#stderr.push(line);
    if (this.#stderr.length > TAIL_LINES) this.#stderr.shift();
  }
}
