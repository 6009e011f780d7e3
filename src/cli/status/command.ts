/**
 * `rabbit-rpc status`: shows a broker and queues.
 *
 * @module
 */
import { readsConnectionFiles } from "../permissions.ts";
import type { Subcommand } from "../subcommand.ts";
import { addStatusFlags, type StatusFlags } from "./flags.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc status
  rabbit-rpc status calc resize --watch
  rabbit-rpc status calc --json | jq .queues[0].messages`;

/** The subcommand. */
export const status: Subcommand = {
  add(program, { done }) {
    const command = program.command("status")
      .summary("show the state of the broker and of queues")
      .description(
        "Shows the round-trip time to the broker and, for each queue, its " +
          "consumers and waiting requests. The exit status is 69 if a queue " +
          "has no server, else 77 if the broker refuses to show one.",
      )
      .argument("[queues...]", "request queues")
      .addHelpText("after", EXAMPLES)
      .action(async (queues: string[], flags: StatusFlags) => {
        const { runStatus } = await import("./run.ts");
        done(await runStatus(queues, flags));
      });
    addStatusFlags(command);
  },
  permissions: (call) => ({ net: true, read: readsConnectionFiles(call) }),
  outlivesTerminal: ({ flags }) => Boolean(flags.watch),
};
