/**
 * Starts the servers of the demo and follows what they print.
 *
 * @module
 */
import { splitBytes } from "../stdio/read_file.ts";

const NEWLINE = 10;

/** One server process. */
export class DemoServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #awaited = new Map<string, PromiseWithResolvers<DemoServer>>();
  readonly #reading: Promise<void>;

  /** Starts it; see {@linkcode DemoServer.prints} for when it is ready. */
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
   * Resolves with this server when it prints that line, from now on.
   *
   * @throws where it ends without.
   */
  prints(line: string): Promise<DemoServer> {
    const awaited = Promise.withResolvers<DemoServer>();
    this.#awaited.set(line, awaited);
    // Of two servers that may print a line, only one is waited for.
    awaited.promise.catch(ignore);
    return awaited.promise;
  }

  /** Ends it as a crash would: without a chance to tidy up. */
  async crash(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  /** Stops it in good order. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      // It has ended already, by the crash of the demo for example.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of splitBytes(this.#child.stdout, NEWLINE)) {
      const line = decoder.decode(bytes);
      this.#awaited.get(line)?.resolve(this);
    }
    for (const [line, awaited] of this.#awaited) {
      awaited.reject(
        new Error(`server ${this.pid} ended without printing "${line}"`),
      );
    }
  }
}

function ignore(): void {}

/** How to run this very program again. */
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
