/**
 * The server processes of the demo.
 *
 * @module
 */
import { settled } from "../../async/delay.ts";
import { lines } from "../../procedures/command/lines.ts";

/** Longer than any line that a server prints. */
const MAX_LINE_BYTES = 1024;

/** A server process. */
export class DemoServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #awaited = new Map<string, PromiseWithResolvers<DemoServer>>();
  readonly #reading: Promise<void>;

  /** Starts it; {@linkcode DemoServer.prints} tells when it is ready. */
  constructor(url: string, queue: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...programArgs(), "demo-server", queue],
      env: { RABBIT_RPC_URL: url },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#read();
  }

  /** The process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Resolves with this server when it prints the line, from now on.
   *
   * @throws if it ends without printing it.
   */
  prints(line: string): Promise<DemoServer> {
    const awaited = Promise.withResolvers<DemoServer>();
    this.#awaited.set(line, awaited);
    // Only the first of two servers to print it is awaited.
    void settled(awaited.promise);
    return awaited.promise;
  }

  /** Kills it, as a crash would. */
  async crash(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  /** Stops it gracefully. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      // It has ended already: it may be the one that was killed.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const { text } of lines(this.#child.stdout, MAX_LINE_BYTES)) {
      this.#awaited.get(text)?.resolve(this);
    }
    for (const [line, awaited] of this.#awaited) {
      awaited.reject(
        new Error(`server ${this.pid} ended without printing "${line}"`),
      );
    }
  }
}

/** The arguments of Deno to run this program once more. */
function programArgs(): string[] {
  if (Deno.build.standalone) return [];
  const sources = new URL("../../", import.meta.url).pathname;
  return [
    "run",
    "--quiet",
    "--no-prompt",
    "--allow-net=127.0.0.1",
    `--allow-read=${sources}`,
    "--allow-env=AMQP_URL,RABBIT_RPC_*",
    new URL("../../../main.ts", import.meta.url).pathname,
  ];
}
