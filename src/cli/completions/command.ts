/**
 * `rabbit-rpc completions`: prints a completion script for a shell, generated
 * from the flags themselves.
 *
 * @module
 */
import { Argument } from "commander";
import { EXIT } from "../exit_status.ts";
import { OrderedOutput } from "../stdio/ordered_output.ts";
import type { Subcommand } from "../subcommand.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { shapesOf } from "./shape.ts";
import { zshScript } from "./zsh.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

const EXAMPLES = `
Examples:
  rabbit-rpc completions bash > ~/.local/share/bash-completion/completions/rabbit-rpc
  rabbit-rpc completions zsh > "\${fpath[1]}/_rabbit-rpc"
  rabbit-rpc completions fish > ~/.config/fish/completions/rabbit-rpc.fish

Only for this session:
  source <(rabbit-rpc completions bash)`;

/** The subcommand. */
export const completions: Subcommand = {
  add(program, { done, allSubcommands }) {
    program.command("completions")
      .summary("print a completion script for a shell")
      .description(
        "Prints a script that completes subcommands, flags, values of flags if " +
          "they are known, and files. Names of queues are not completed.",
      )
      .addArgument(
        new Argument("<shell>", "the shell").choices(Object.keys(SCRIPTS)),
      )
      .addHelpText("after", EXAMPLES)
      .action(async (shell: keyof typeof SCRIPTS) => {
        const output = new OrderedOutput();
        output.add(SCRIPTS[shell](shapesOf(await allSubcommands())));
        await output.flushed();
        done(EXIT.ok);
      });
  },
  // Each flag looks for its variable when it is made.
  permissions: () => ({ env: true }),
};
