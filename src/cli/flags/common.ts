/**
 * Flags that several subcommands share.
 *
 * @module
 */
import type { Command, Option } from "commander";
import { DEFAULT_URL } from "../../amqp/options.ts";
import { DEFAULT_TIMEOUT_MS } from "../../rpc/calling/call_options.ts";
import type { Telemetry } from "../../telemetry/telemetry.ts";
import type { LogFlags } from "../log.ts";
import type { ColorWhen } from "../stdio/color.ts";
import { flag, PASSWORD_VARIABLE, URL_VARIABLE } from "./flag.ts";
import { parseCount, parseSeconds, parseTimeout } from "./values.ts";

/** The flags for `amqps://`. */
export interface TlsFlags {
  cacert?: string;
  cert?: string;
  key?: string;
  servername?: string;
  insecure?: boolean;
}

/** The flags of every subcommand that connects. */
export interface CommonFlags extends TlsFlags, LogFlags {
  url: string;
  /** From `RABBIT_RPC_PASSWORD` or a context. */
  password?: string;
  passwordFile?: string;
  /** Null if not set: the URL may have it. */
  connectTimeout: number | null;
  /** Null if not set: the URL may have it. */
  heartbeat: number | null;
  color: ColorWhen;
  context?: string;
  /** Set if the environment asks for it: see telemetry.ts. */
  telemetry?: Telemetry;
}

/** Adds the flags of every subcommand that connects. */
export function addCommonFlags(command: Command): Command {
  addConnectionFlags(command);
  return command
    .addOption(colorFlag())
    .addOption(
      flag("--context <name>", "use this section of the configuration file"),
    )
    .addOption(flag("-q, --quiet", "print only results and errors"))
    .addOption(flag("-v, --verbose", "log more to stderr"))
    .addOption(
      flag("--log-format <format>", "format of the log on stderr")
        .choices(["text", "json"]).default("text"),
    );
}

function addConnectionFlags(command: Command): void {
  const password = Deno.env.get(PASSWORD_VARIABLE);
  if (password) command.setOptionValueWithSource("password", password, "env");
  command
    .addOption(
      flag("-u, --url <url>", "broker URL, or several separated by commas")
        .default(
          Deno.env.get(URL_VARIABLE) || DEFAULT_URL,
          `${URL_VARIABLE}, else localhost`,
        ),
    )
    .addOption(
      flag("--password-file <file>", "file with the password (- for stdin)"),
    );
  addTlsFlags(command);
  command
    .addOption(
      flag(
        "--connect-timeout <duration>",
        "time limit for one connection attempt",
      )
        .argParser(parseTimeout).default(null, "10s"),
    )
    .addOption(
      flag(
        "--heartbeat <duration>",
        "heartbeat interval in whole seconds; 0s turns it off",
      )
        .argParser(parseSeconds).default(null, "20s"),
    );
}

function addTlsFlags(command: Command): void {
  command
    .addOption(
      flag(
        "--cacert <file>",
        "amqps: PEM file of certificate authorities to trust",
      ),
    )
    .addOption(flag("--cert <file>", "amqps: PEM file of a client certificate"))
    .addOption(flag("--key <file>", "amqps: PEM file of its private key"))
    .addOption(
      flag("--servername <name>", "amqps: name to expect in the certificate"),
    )
    .addOption(flag("--insecure", "amqps: accept any certificate"));
}

/** `--priority`, of every subcommand that makes calls. */
export function priorityFlag(): Option {
  return flag("--priority <n>", "priority, 0 to 255; higher goes first")
    .argParser(parseCount(0, 255));
}

/** `--timeout`, of every subcommand that makes calls. */
export function timeoutFlag(shownDefault = "30s"): Option {
  return flag("-t, --timeout <duration>", "deadline of each request")
    .argParser(parseTimeout).default(DEFAULT_TIMEOUT_MS, shownDefault);
}

/** `--color`; its default is `FORCE_COLOR`, as in other programs. */
export function colorFlag(): Option {
  return flag(
    "--color <when>",
    "use color; auto: on a terminal, unless NO_COLOR is set",
  )
    .choices(["auto", "always", "never"] satisfies ColorWhen[])
    .default(forcedColor(), "auto, or from FORCE_COLOR");
}

function forcedColor(): ColorWhen {
  const variable = { name: "env", variable: "FORCE_COLOR" } as const;
  // Without the permission to read it, the program still runs.
  const { state } = Deno.permissions.querySync(variable);
  const value = state === "granted" ? Deno.env.get("FORCE_COLOR") : undefined;
  if (!value) return "auto";
  return value === "0" || value === "false" ? "never" : "always";
}
