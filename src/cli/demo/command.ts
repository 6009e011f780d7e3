/**
 * `rabbit-rpc demo`: shows in seconds what the program does.
 *
 * @module
 */
import { colorFlag } from "../flags/common.ts";
import type { Subcommand } from "../subcommand.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc demo
  rabbit-rpc demo | less
  time rabbit-rpc demo`;

/** The subcommand. */
export const demo: Subcommand = {
  add(program, { done }) {
    program.command("demo")
      .summary("see it work in seconds, without RabbitMQ")
      .description(
        "Starts a broker inside this program, two server processes and a " +
          "client, and shows what happens to their calls.",
      )
      .addOption(colorFlag())
      .addHelpText("after", EXAMPLES)
      .action(async ({ color }) => {
        const { runDemo } = await import("./run.ts");
        done(await runDemo(color));
      });
  },
  permissions: () => ({ net: true, run: true }),
  outlivesTerminal: () => true,
};
