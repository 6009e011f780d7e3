/**
 * The log: one line for each message on stderr, either text or a JSON object
 * with `level`, `time` and `message`.
 *
 * @module
 */
import { redactUrls } from "../amqp/redact.ts";
import { RpcError } from "../rpc/errors.ts";
import { counted } from "../rpc/texts.ts";
import { jsonLine, oneLine } from "./printable.ts";
import { onLostLines, stderr } from "./stdio/stderr.ts";

/** The level of a line. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** The flags that choose what is logged, and how. */
export interface LogFlags {
  /** Leaves out `info`. */
  quiet?: boolean;
  /** Adds `debug`, and the causes of errors. */
  verbose?: boolean;
  /** @default {"text"} */
  logFormat?: "text" | "json";
}

/** Members of a JSON line. Never a body or a secret. */
export type LogFields = Record<string, unknown>;

/** The fields that a text line shows too. */
const SHOWN_FIELDS = ["correlation_id", "message_id"];
const PROGRAM = "rabbit-rpc";
/** Longest message, in UTF-16 units: a peer may send megabytes. */
const MAX_LENGTH = 4_096;
/** A chain of causes may be circular. */
const MAX_CAUSES = 8;

/** A log with the level and format of the flags. */
export class Log {
  readonly #flags: LogFlags;

  /** Without flags: text, from `info` on. */
  constructor(flags: LogFlags = {}) {
    this.#flags = flags;
    onLostLines((lines) =>
      this.warn(`${counted(lines, "line")} of this log could not be written`, {
        lines,
      })
    );
  }

  /** A failure. */
  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  /** A risk, or a failure that may pass. */
  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  /** Progress; not with `--quiet`. */
  info(message: string, fields?: LogFields): void {
    if (!this.#flags.quiet) this.#write("info", message, fields);
  }

  /** Details; only with `--verbose`. */
  debug(message: string, fields?: LogFields): void {
    if (this.#flags.verbose) this.#write("debug", message, fields);
  }

  /** An error in the words of `message`; with `--verbose`, its causes. */
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

/** A log line in JSON. */
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
 * Makes a message safe to show, whatever it quotes. Passwords are removed before
 * it is cut, since half a password would not be recognized.
 */
function clean(text: string): string {
  const line = oneLine(redactUrls(text));
  const more = line.length - MAX_LENGTH;
  return more > 0 ? `${line.slice(0, MAX_LENGTH)}... [${more} more]` : line;
}

/** The causes of an error, the nearest first. */
function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && causes.length < MAX_CAUSES) {
    causes.push(String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}
