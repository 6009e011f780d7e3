/**
 * The configuration file: TOML, a section for each context, whose keys are
 * the names of flags.
 *
 * @module
 */
import { parse, TomlError } from "smol-toml";
import { splitUrls } from "../../amqp/options.ts";
import { redactUrl, redactUrls } from "../../amqp/redact.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { systemReason } from "../stdio/streams.ts";

/** The settings of one context, as they are in the file. */
export type Context = Readonly<Record<string, unknown>>;

/** Group and others. */
const READABLE_BY_OTHERS = 0o044;
/** Stands for what is not shown. */
export const HIDDEN = "***";

/** The configuration file of the user. */
export class ConfigFile {
  /** Where it is. */
  readonly path: string;
  /** By name, in the order of the file. */
  readonly contexts: ReadonlyMap<string, Context>;

  private constructor(path: string, text: string) {
    this.path = path;
    this.contexts = new Map(
      Object.entries(this.#parse(text)).map((entry) => {
        const [name, context] = entry;
        if (isTable(context)) return [name, context];
        throw this.mistake(
          `"${name}" is no context; a context is a section such as [prod]`,
        );
      }),
    );
  }

  /**
   * Reads it, where `XDG_CONFIG_HOME` or `HOME` say.
   *
   * @throws {CliError} 66 where it can't be read, 65 where it makes no sense.
   */
  static read(): ConfigFile {
    const path = configPath();
    try {
      return new ConfigFile(path, Deno.readTextFileSync(path));
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new CliError(
        EXIT.unreadable,
        `cannot read the configuration "${path}": ${systemReason(error)}.`,
      );
    }
  }

  /**
   * The context of this name.
   *
   * @throws {CliError} 64 where there is none.
   */
  context(name: string): Context {
    const context = this.contexts.get(name);
    if (context !== undefined) return context;
    const names = [...this.contexts.keys()].join(", ") || "none";
    throw new CliError(
      EXIT.usage,
      `no context "${name}" in ${this.path} (there are: ${names}).`,
    );
  }

  /** An error in the file; `where` is a context, and a key of it. */
  mistake(what: string, ...where: string[]): CliError {
    const place = [this.path, ...where].join(", ");
    return new CliError(EXIT.badInput, `${place}: ${what}.`);
  }

  /** Why the passwords in it are not safe; undefined where they are. */
  get exposure(): string | undefined {
    const { mode } = Deno.statSync(this.path);
    if (((mode ?? 0) & READABLE_BY_OTHERS) === 0) return undefined;
    const hasSecrets = [...this.contexts.values()].some((context) =>
      Object.entries(context).some(([key, value]) =>
        redacted(key, value) !== value
      )
    );
    if (!hasSecrets) return undefined;
    return `others can read the secrets in ${this.path}: chmod 600 it`;
  }

  #parse(text: string): Record<string, unknown> {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      const { line, column, message } = error;
      // The other lines show the text, which may hold a password.
      const [what] = message.split("\n", 1);
      throw this.mistake(what!, `line ${line}, column ${column}`);
    }
  }
}

function isTable(value: unknown): value is Context {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) && !(value instanceof Date);
}

/**
 * A setting as it may be shown: equal to the value where it is no secret. What
 * is not understood is not shown.
 */
export function redacted(key: string, value: unknown): unknown {
  if (key === "password") return HIDDEN;
  // Tokens travel in headers.
  if (key === "header") return Array.isArray(value) ? [HIDDEN] : HIDDEN;
  return Array.isArray(value)
    ? value.map((item) => redactedItem(key, item))
    : redactedItem(key, value);
}

function redactedItem(key: string, value: unknown): unknown {
  if (typeof value === "string") {
    return key === "url"
      ? splitUrls(value).map(redactUrl).join(",")
      : redactUrls(value);
  }
  const isPlain = typeof value === "number" || typeof value === "boolean";
  return isPlain && key !== "url" ? value : HIDDEN;
}

function configPath(): string {
  const base = Deno.env.get("XDG_CONFIG_HOME");
  const home = Deno.env.get("HOME");
  // A relative one is to be ignored, says the specification of XDG.
  if (base?.startsWith("/")) return `${base}/rabbit-rpc/config.toml`;
  if (home) return `${home}/.config/rabbit-rpc/config.toml`;
  throw new CliError(
    EXIT.usage,
    "no context without a configuration: set XDG_CONFIG_HOME or HOME.",
  );
}
