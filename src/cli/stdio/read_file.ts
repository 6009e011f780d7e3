/**
 * Reads whole files, stdin among them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { CliError, EXIT } from "../exit_status.ts";
import { cannotRead } from "./file_errors.ts";
import { isStdin } from "./paths.ts";
import { readStdinChunks } from "./streams.ts";

/**
 * A whole file, or all of stdin.
 *
 * @throws {CliError} 66 if it can't be read, 74 if it is stdin.
 */
export async function readFile(path: string): Promise<Uint8Array> {
  if (isStdin(path)) return await readStdin();
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw cannotRead(`"${path}"`, error);
  }
}

let isStdinRead = false;

/**
 * All of stdin; it can be read only once.
 *
 * @throws {CliError} 74 if it can't be read, 64 if it was read before.
 */
export async function readStdin(): Promise<Uint8Array> {
  if (isStdinRead) {
    throw new CliError(EXIT.usage, "stdin can be used for only one file.");
  }
  isStdinRead = true;
  const chunks: Uint8Array[] = [];
  for await (const chunk of readStdinChunks()) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** The text of a password file, without the newline at its end. */
export function readPassword(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
}
