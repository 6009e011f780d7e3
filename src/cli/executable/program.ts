/**
 * The program as the executable holds it: a bundle, and the code that V8 made
 * of it when it was built.
 *
 * @module
 */
import process from "node:process";
import { Script } from "node:vm";
import { besideEntry, PROGRAM } from "./files.ts";

/** What a bundle is: a function that returns what src/cli/main.ts exports. */
type Run = (require: typeof process.getBuiltinModule) => {
  main(args: string[]): Promise<number>;
};

/** The program, ready to run. */
export class Program {
  readonly #script: Script;

  /**
   * The code must be of this very source: V8 compares its own version, its
   * flags, and of the source no more than the length. Code that it does not
   * take makes no difference but to the time.
   */
  constructor(source: string, codeCache?: Uint8Array) {
    this.#script = new Script(source, {
      filename: besideEntry(PROGRAM).href,
      cachedData: codeCache,
      // Modules of users: by itself a script imports nothing (Deno 2.9).
      importModuleDynamically: (url) => import(url),
    });
  }

  /** Whether V8 did not take the code. */
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
