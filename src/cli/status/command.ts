/**
 * `rabbit-rpc status`: a look at the broker and at queues.
 *
 * @module
 */
import type { Command } from "commander";
import {
  addCommonFlags,
  type CommonFlags,
  flag,
  parseTimeout,
} from "../flags/common.ts";

/** The flags of `rabbit-rpc status`. */
export interface StatusFlags extends CommonFlags {
  watch?: boolean;
  interval: number;
  timeout: number;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  rabbit-rpc status
  rabbit-rpc status calc resize --watch
  rabbit-rpc status calc --json | jq .queues[0].messages`;

/** Adds the subcommand; `done` gets the exit status. */
export function addStatusCommand(
  program: Command,
  done: (status: number) => void,
): void {
  const command = program.command("status")
    .summary("look at the broker and at queues")
    .description(
      "Tells how long the broker takes to answer, and of each queue how many " +
        "consumers it has and how many requests wait. The status is 69 where " +
        "a queue has no server, else 77 where one may not be looked at.",
    )
    .argument("[queues...]", "request queues")
    .addOption(flag("--watch", "look again and again, until interrupted"))
    .addOption(
      flag("--interval <duration>", "with --watch: between two looks")
        .argParser(parseTimeout).default(2_000, "2s"),
    )
    .addOption(
      flag("-t, --timeout <duration>", "for all answers of one look")
        .argParser(parseTimeout).default(10_000, "10s"),
    )
    .addOption(flag("--json", "print an object; with --watch, one a line"))
    .addHelpText("after", EXAMPLES)
    .action(async (queues: string[], flags: StatusFlags) => {
      const { runStatus } = await import("./run.ts");
      done(await runStatus(queues, flags));
    });
  addCommonFlags(command);
}
