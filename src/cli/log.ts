/**
 * What a person or a program that watches should know, a line each on stderr:
 * text, or an object with `level`, `time` and `message`.
 *
 * @module
 */
import { redactUrls } from "../amqp/redact.ts";
import { RpcError } from "../rpc/errors.ts";
import { jsonLine, oneLine } from "./printable.ts";
import { onLostLines, stderr } from "./stdio/stderr.ts";

/** How much a line matters. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** The flags that say what is logged, and how. */
export interface LogFlags {
  /** No `info`. */
  quiet?: boolean;
  /** `debug` too, and what caused an error. */
  verbose?: boolean;
  /** @default {"text"} */
  logFormat?: "text" | "json";
}

/** Members of a line in JSON; never a body, never a secret. */
export type LogFields = Record<string, unknown>;

/** The fields that a line of text shows as well. */
const SHOWN_FIELDS = ["correlation_id", "message_id"];
const PROGRAM = "rabbit-rpc";
/** Of a message, in UTF-16 units; a peer may send megabytes. */
const MAX_LENGTH = 4_096;
/** Whatever has more causes than this goes round in a circle. */
const MAX_CAUSES = 8;

/** Logs as the flags say. */
export class Log {
  readonly #flags: LogFlags;

  /** Of these flags, or of a subcommand that has none. */
  constructor(flags: LogFlags = {}) {
    this.#flags = flags;
    onLostLines((lines) =>
      this.warn(`${lines} lines of this log could not be written`, { lines })
    );
  }

  /** What went wrong. */
  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  /** What may go wrong, or did for a while. */
  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  /** What a person may wonder about; not with `--quiet`. */
  info(message: string, fields?: LogFields): void {
    if (!this.#flags.quiet) this.#write("info", message, fields);
  }

  /** What is of interest with `--verbose` alone. */
  debug(message: string, fields?: LogFields): void {
    if (this.#flags.verbose) this.#write("debug", message, fields);
  }

  /** An error in one line, which is not its message alone; why, if verbose. */
  failure(error: unknown, message: string, fields?: LogFields): void {
    const { verbose, logFormat } = this.#flags;
    const causes = verbose ? causesOf(error) : [];
    this.error(message, {
      ...fields,
      ...(error instanceof RpcError &&
        { code: error.code, reason: error.reason }),
      ...(causes.length > 0 && { causes: causes.map(clean) }),
    });
    if (logFormat === "json") return;
    for (const cause of causes) this.error(`caused by ${cause}`);
  }

  #write(level: LogLevel, message: string, fields?: LogFields): void {
    stderr.add(
      this.#flags.logFormat === "json"
        ? logRecord(level, message, fields)
        : `${PROGRAM}: ${textLine(message, fields)}`,
    );
  }
}

/** A line of the log in JSON. */
export function logRecord(
  level: LogLevel,
  message: string,
  fields?: LogFields,
): string {
  const time = new Date().toISOString();
  return jsonLine({ level, time, message: clean(message), ...fields });
}

function textLine(message: string, fields: LogFields = {}): string {
  const shown = SHOWN_FIELDS
    .filter((name) => fields[name] !== undefined)
    .map((name) => `${name} ${fields[name]}`);
  const line = clean(message);
  return shown.length > 0 ? `${line} (${clean(shown.join(", "))})` : line;
}

/**
 * Whatever it quotes: an argument in the wrong place, what a stranger sent. It
 * is cut last: nobody could tell half a password from something else.
 */
function clean(text: string): string {
  const line = oneLine(redactUrls(text));
  const more = line.length - MAX_LENGTH;
  return more > 0 ? `${line.slice(0, MAX_LENGTH)}... [${more} more]` : line;
}

/** What led to an error, the nearest first. */
function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && causes.length < MAX_CAUSES) {
    causes.push(String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}
