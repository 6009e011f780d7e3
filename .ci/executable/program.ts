/**
 * The program as the executable holds it: a bundle, and the code that V8 made
 * of it when it was built.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import process from "node:process";
import { Script } from "node:vm";

/** The files of the bundle, beside the entry of the executable. */
export const PROGRAM = "program.txt";
/** Only there for the platform that the executable was built on. */
export const CODE_CACHE = "program.cache";

/** What a bundle gets, and returns what src/cli/main.ts exports. */
type Run = (require: typeof process.getBuiltinModule) => {
  main(args: string[]): Promise<number>;
};

/** The program, ready to run. */
export class Program {
  readonly #script: Script;

  /** V8 takes compiled code of its own version and flags only. */
  constructor(codeCache?: Uint8Array) {
    const file = new URL(PROGRAM, import.meta.url);
    this.#script = new Script(Deno.readTextFileSync(file), {
      filename: file.href,
      cachedData: codeCache && Buffer.from(codeCache.buffer),
      // Modules of users; a script does not import by itself (Deno 2.9).
      importModuleDynamically: (url) => import(url),
    });
  }

  /** Whether V8 did not take the compiled code. */
  get isCacheRejected(): boolean {
    return this.#script.cachedDataRejected ?? false;
  }

  /** Runs the command line; resolves with the exit status. */
  run(args: string[]): Promise<number> {
    const run: Run = this.#script.runInThisContext();
    return run(process.getBuiltinModule).main(args);
  }

  /** What V8 has compiled so far. */
  codeCache(): Uint8Array {
    return this.#script.createCachedData();
  }
}
