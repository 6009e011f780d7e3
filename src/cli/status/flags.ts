/**
 * The flags of `rabbit-rpc status`.
 *
 * @module
 */
import type { Command } from "commander";
import { addCommonFlags, type CommonFlags } from "../flags/common.ts";
import { flag } from "../flags/flag.ts";
import { parseTimeout } from "../flags/values.ts";

/** The flags of `rabbit-rpc status`. */
export interface StatusFlags extends CommonFlags {
  watch?: boolean;
  interval: number;
  timeout: number;
  json?: boolean;
}

/** Adds the flags. */
export function addStatusFlags(command: Command): void {
  command
    .addOption(flag("--watch", "refresh until interrupted"))
    .addOption(
      flag("--interval <duration>", "with --watch: time between refreshes")
        .argParser(parseTimeout).default(2_000, "2s"),
    )
    .addOption(
      flag(
        "-t, --timeout <duration>",
        "time limit for the answers of the broker",
      )
        .argParser(parseTimeout).default(10_000, "10s"),
    )
    .addOption(
      flag("--json", "print a JSON object; with --watch, one per line"),
    );
  addCommonFlags(command);
}
