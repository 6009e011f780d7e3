/**
 * The configuration file: TOML with a section for each context, whose keys are
 * names of flags.
 *
 * @module
 */
import { parse, TomlError } from "smol-toml";
import { splitUrls } from "../../amqp/options.ts";
import { redactUrl, redactUrls } from "../../amqp/redact.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { cannotRead } from "../stdio/file_errors.ts";

/** The settings of a context, as they are in the file. */
export type Context = Readonly<Record<string, unknown>>;

/** Group and others. */
const READABLE_BY_OTHERS = 0o044;
/** Shown in the place of a secret. */
export const HIDDEN = "***";

/** The user's configuration file. */
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
          `"${name}" is not a context; a context is a section such as [prod]`,
        );
      }),
    );
  }

  /**
   * Reads the file in `XDG_CONFIG_HOME` or `HOME`.
   *
   * @throws {CliError} 66 if it can't be read, 65 if it is invalid.
   */
  static read(): ConfigFile {
    const path = configPath();
    try {
      return new ConfigFile(path, Deno.readTextFileSync(path));
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw cannotRead(`the configuration "${path}"`, error);
    }
  }

  /**
   * The context of this name.
   *
   * @throws {CliError} 64 if there is none.
   */
  context(name: string): Context {
    const context = this.contexts.get(name);
    if (context !== undefined) return context;
    const names = [...this.contexts.keys()].join(", ") || "none";
    throw new CliError(
      EXIT.usage,
      `no context "${name}" in ${this.path} (available: ${names}).`,
    );
  }

  /** An error in the file; `where` is a context and, if known, its key. */
  mistake(what: string, ...where: string[]): CliError {
    const place = [this.path, ...where].join(", ");
    return new CliError(EXIT.badInput, `${place}: ${what}.`);
  }

  /** A warning if others can read secrets in the file. */
  get exposure(): string | undefined {
    const { mode } = Deno.statSync(this.path);
    if (((mode ?? 0) & READABLE_BY_OTHERS) === 0) return undefined;
    const hasSecrets = [...this.contexts.values()].some((context) =>
      Object.entries(context).some(([key, value]) =>
        redacted(key, value) !== value
      )
    );
    if (!hasSecrets) return undefined;
    return `other users can read the secrets in ${this.path}: chmod 600 it`;
  }

  #parse(text: string): Record<string, unknown> {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      const { line, column, message } = error;
      // The other lines quote the file, which may contain a password.
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
 * A setting as it may be shown: the same value if it is not a secret. Values of
 * unexpected types are hidden, too.
 */
export function redacted(key: string, value: unknown): unknown {
  if (key === "password") return HIDDEN;
  // Headers may contain tokens.
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
  // The XDG specification says to ignore relative paths.
  if (base?.startsWith("/")) return `${base}/rabbit-rpc/config.toml`;
  if (home) return `${home}/.config/rabbit-rpc/config.toml`;
  throw new CliError(
    EXIT.usage,
    "there is no configuration file: set XDG_CONFIG_HOME or HOME.",
  );
}
