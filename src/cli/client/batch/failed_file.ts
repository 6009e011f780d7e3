/**
 * `--failed`: the records of the input that failed, ready to be sent again.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { CliError, EXIT } from "../../exit_status.ts";
import { outputOf } from "../../stdio/paths.ts";
import { cannotWrite } from "../../stdio/file_errors.ts";
import { isInput } from "./stdin.ts";

/** A file, or one of the program's streams. */
interface Writable {
  writeSync(bytes: Uint8Array): number;
  close(): void;
}

/** A file to which each record is written as soon as it has failed. */
export class FailedFile implements Disposable {
  readonly #file: Writable;
  readonly #path: string;
  readonly #separator: Uint8Array;

  private constructor(file: Writable, path: string, separator: number) {
    this.#file = file;
    this.#path = path;
    this.#separator = Uint8Array.of(separator);
  }

  /**
   * Creates the file, or empties it.
   *
   * @throws {CliError} 66 if it can't be written; 64 if it is the input, which
   * would be lost before it is read.
   */
  static open(path: string, separator: number): FailedFile {
    const stream = outputOf(path);
    if (stream) return new FailedFile(openOutput(stream), path, separator);
    return attempt(path, () => {
      const file = Deno.openSync(path, { write: true, create: true });
      const info = file.statSync();
      if (isInput(info)) {
        file.close();
        throw new CliError(
          EXIT.usage,
          `--failed "${path}" is the input itself; choose another name, and ` +
            "rename it after the batch",
        );
      }
      if (info.isFile) file.truncateSync();
      return new FailedFile(file, path, separator);
    });
  }

  /**
   * Adds a record, byte for byte, and a separator. It is written when this
   * returns, so that it is not lost if the batch is killed.
   *
   * @throws {CliError} 66 if it can't be written.
   */
  add(record: Uint8Array): void {
    const bytes = Buffer.concat([record, this.#separator]);
    attempt(this.#path, () => {
      for (let written = 0; written < bytes.length;) {
        written += this.#file.writeSync(bytes.subarray(written));
      }
    });
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Stays open, since others write to it too. */
function openOutput(stream: "stdout" | "stderr"): Writable {
  return {
    writeSync: (bytes) => Deno[stream].writeSync(bytes),
    close() {},
  };
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw cannotWrite(`"${path}"`, error);
  }
}
