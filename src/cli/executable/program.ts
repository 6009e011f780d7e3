/**
 * The program inside the executable: a bundle, and the code that V8 compiled
 * from it at build time.
 *
 * @module
 */
import process from "node:process";
import { Script } from "node:vm";
import { besideEntry, PROGRAM } from "./files.ts";

/** A bundle: a function that returns the exports of src/cli/main.ts. */
type Run = (require: typeof process.getBuiltinModule) => {
  main(args: string[]): Promise<number>;
};

/** The program, ready to run. */
export class Program {
  readonly #script: Script;

  /**
   * The code must have been compiled from this source: V8 compares only its
   * own version, its flags and the length of the source. Rejected code costs
   * time and nothing else.
   */
  constructor(source: string, codeCache?: Uint8Array) {
    this.#script = new Script(source, {
      filename: besideEntry(PROGRAM).href,
      cachedData: codeCache,
      // For `--module`: a script can't import by itself (Deno 2.9).
      importModuleDynamically: (url) => import(url),
    });
  }

  /** Whether V8 rejected the code. */
  get isCacheRejected(): boolean {
    return this.#script.cachedDataRejected ?? false;
  }

  /** Runs the command line; resolves with the exit status. */
  run(args: string[]): Promise<number> {
    const run: Run = this.#script.runInThisContext();
    return run(process.getBuiltinModule).main(args);
  }

  /** The code that V8 has compiled so far. */
  codeCache(): Uint8Array {
    return this.#script.createCachedData();
  }
}
