/**
 * Flags that several subcommands share, and the reading of their values.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type ConnectOptions, DEFAULT_URL } from "../../amqp/options.ts";
import { DEFAULT_TIMEOUT_MS } from "../../rpc/calling/call_options.ts";
import { withholdHeaders } from "../../procedures/command/request_environment.ts";
import type { Telemetry } from "../../telemetry/telemetry.ts";
import type { ColorWhen } from "../stdio/color.ts";
import type { LogFlags } from "../log.ts";
import { passwordOf } from "../connection/password_file.ts";
import { type TlsFlags, tlsOptions } from "../connection/tls_files.ts";

/** What other programs know the broker by. */
const URL_VARIABLE = "AMQP_URL";
const PASSWORD_VARIABLE = "RABBIT_RPC_PASSWORD";
/** How often a password file is read while a connection lives. */
const PASSWORD_POLL_MS = 5_000;

/** Calls at once; each waits in memory. */
export const MOST_IN_FLIGHT = 100_000;
/** As the protocol has it, and no more can run than were taken. */
export const MOST_PREFETCHED = 65_535;
/** Each worker is a thread, with a heap of its own. */
export const MOST_WORKERS = 1_024;
/** What any RabbitMQ takes as a body, unless it is told otherwise. */
export const LARGEST_BODY_BYTES = 128 * 2 ** 20;

/** Values that turn a switch off. */
const OFF = new Set(["0", "false", "no"]);

const UNITS_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const UNITS_BYTES: Record<string, number> = {
  "": 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** `16MiB`, `64KiB`, `1000000` in bytes, above zero. */
export function parseSize(text: string): number {
  const match = /^(\d{1,12})(|KiB|MiB|GiB)$/.exec(text);
  const bytes = match ? Number(match[1]) * UNITS_BYTES[match[2]!]! : NaN;
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError(
    "It must be a size such as 16MiB, 64KiB or 1000000 (bytes), above zero.",
  );
}

/** Names separated by commas; a flag that is repeated adds to those before. */
export function parseNames(text: string, before: string[] = []): string[] {
  const names = text.split(",");
  if (names.every(Boolean)) return [...before, ...names];
  throw new InvalidArgumentError("It must be names separated by commas.");
}

/** `500ms`, `30s`, `2m`, `1h`, `7d` in ms. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match) return Number(match[1]) * UNITS_MS[match[2]!]!;
  throw new InvalidArgumentError(
    "It must be a duration such as 500ms, 30s, 2m, 1h or 7d.",
  );
}

/** A duration above zero. */
export function parseTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("It must be above zero.");
}

/** Whole seconds, as the protocol has them. */
export function parseSeconds(text: string): number {
  const ms = parseDuration(text);
  if (ms % 1000 === 0) return ms;
  throw new InvalidArgumentError("It must be whole seconds, 20s for example.");
}

/** A reader of whole numbers from `min` to `max`, where there is one. */
export function parseCount(
  min: number,
  max?: number,
): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= (max ?? value)) return value;
    const range = max === undefined
      ? `, ${min} or more`
      : ` from ${min} to ${max}`;
    throw new InvalidArgumentError(`It must be a whole number${range}.`);
  };
}

/** A number a second, above zero: `1000`, `0.1`, `1e-3`. */
export function parseRate(text: string): number {
  const rate = /^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (rate > 0) return rate;
  throw new InvalidArgumentError("It must be a number above 0.");
}

/** The variable that sets a flag. */
export function variableOf(option: Option): string {
  const name = option.long!.slice(2).toUpperCase().replaceAll("-", "_");
  return `RABBIT_RPC_${name}`;
}

/** A flag that the environment can set as well. */
export function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  const variable = variableOf(option);
  const value = Deno.env.get(variable);
  // Commander takes any value of a switch for on, and an empty one for set.
  const isOff = option.isBoolean() && value !== undefined && OFF.has(value);
  return isOff || value === "" ? option : option.env(variable);
}

/**
 * Takes the settings of a subcommand out of the environment, once they have
 * been read: children must not find credentials there.
 */
export function withholdSettings(command: Command): void {
  const names = command.options.map(({ envVar }) => envVar);
  for (const name of [...names, URL_VARIABLE, PASSWORD_VARIABLE]) {
    if (name !== undefined) Deno.env.delete(name);
  }
  withholdHeaders(Deno.env);
}

/** `--priority`, of everything that makes calls. */
export function priorityFlag(): Option {
  return flag("--priority <n>", "0 to 255; where requests wait, highest first")
    .argParser(parsePriority);
}

function parsePriority(text: string): number {
  const value = /^\d{1,3}$/.test(text) ? Number(text) : NaN;
  if (value <= 255) return value;
  throw new InvalidArgumentError("It must be a whole number from 0 to 255.");
}

/** `--timeout`, of everything that makes calls. */
export function timeoutFlag(): Option {
  return flag("-t, --timeout <duration>", "deadline of each request")
    .argParser(parseTimeout).default(DEFAULT_TIMEOUT_MS, "30s");
}

/** `--color`; FORCE_COLOR is its default, as other programs have it. */
export function colorFlag(): Option {
  return flag("--color <when>", "auto: on a terminal, unless NO_COLOR is set")
    .choices(["auto", "always", "never"] satisfies ColorWhen[])
    .default(forcedColor(), "auto, or as FORCE_COLOR has it");
}

function forcedColor(): ColorWhen {
  const variable = { name: "env", variable: "FORCE_COLOR" } as const;
  // A program that may not read it works without.
  const { state } = Deno.permissions.querySync(variable);
  const value = state === "granted" ? Deno.env.get("FORCE_COLOR") : undefined;
  if (!value) return "auto";
  return value === "0" || value === "false" ? "never" : "always";
}

/** The flags of everything that connects. */
export interface CommonFlags extends TlsFlags, LogFlags {
  url: string;
  /** From RABBIT_RPC_PASSWORD: no flag, since other users can see those. */
  password?: string;
  passwordFile?: string;
  /** Null where the URL may say it. */
  connectTimeout: number | null;
  /** The same. */
  heartbeat: number | null;
  color: ColorWhen;
  context?: string;
  /** Where the environment asks for it: see telemetry.ts. */
  telemetry?: Telemetry;
}

/** Adds the flags of everything that connects. */
export function addCommonFlags(command: Command): Command {
  const password = Deno.env.get(PASSWORD_VARIABLE);
  if (password) command.setOptionValueWithSource("password", password, "env");
  return command
    .addOption(
      flag("-u, --url <url>", "broker, or several separated by commas")
        .default(
          Deno.env.get(URL_VARIABLE) || DEFAULT_URL,
          `${URL_VARIABLE} or local`,
        ),
    )
    .addOption(
      flag("--password-file <file>", "read the password there (- is stdin)"),
    )
    .addOption(flag("--cacert <file>", "PEM, for amqps: issuers to trust"))
    .addOption(flag("--cert <file>", "PEM, for amqps: client certificate"))
    .addOption(flag("--key <file>", "PEM, for amqps: its private key"))
    .addOption(
      flag("--servername <name>", "for amqps: what the certificate is for"),
    )
    .addOption(flag("--insecure", "for amqps: take any certificate"))
    .addOption(
      flag("--connect-timeout <duration>", "for one attempt to connect")
        .argParser(parseTimeout).default(null, "10s"),
    )
    .addOption(
      flag("--heartbeat <duration>", "whole seconds; 0s turns it off")
        .argParser(parseSeconds).default(null, "20s"),
    )
    .addOption(colorFlag())
    .addOption(
      flag("--context <name>", "a section of the configuration file"),
    )
    .addOption(flag("-q, --quiet", "print results and errors only"))
    .addOption(flag("-v, --verbose", "say more on stderr"))
    .addOption(
      flag("--log-format <format>", "of what is said on stderr")
        .choices(["text", "json"]).default("text"),
    );
}

/** What the common flags mean for a connection. */
export async function connectOptions(
  flags: CommonFlags,
): Promise<ConnectOptions> {
  return {
    password: flags.passwordFile
      ? await passwordOf(flags.passwordFile)
      : flags.password,
    passwordPollMs: PASSWORD_POLL_MS,
    tls: await tlsOptions(flags),
    connectTimeoutMs: flags.connectTimeout ?? undefined,
    heartbeatMs: flags.heartbeat ?? undefined,
  };
}
