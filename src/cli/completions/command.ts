/**
 * `rabbit-rpc completions`: a script that teaches a shell our subcommands and
 * flags, made from those very flags.
 *
 * @module
 */
import { Argument, Command } from "commander";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { shapesOf } from "./shape.ts";
import { zshScript } from "./zsh.ts";
import { EXIT } from "../exit_status.ts";
import { OrderedOutput } from "../stdio/ordered_output.ts";
import { subcommandsFor } from "../subcommands.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

const EXAMPLES = `
Examples:
  rabbit-rpc completions bash > ~/.local/share/bash-completion/completions/rabbit-rpc
  rabbit-rpc completions zsh > "\${fpath[1]}/_rabbit-rpc"
  rabbit-rpc completions fish > ~/.config/fish/completions/rabbit-rpc.fish

For this session alone:
  source <(rabbit-rpc completions bash)`;

/** Adds the subcommand; `done` gets the exit status. */
export function addCompletionsCommand(
  program: Command,
  done: (status: number) => void,
): void {
  program.command("completions")
    .summary("print a completion script for a shell")
    .description(
      "Prints a script that completes subcommands, flags, their values where " +
        "these are known, and files. Names of queues are not guessed.",
    )
    .addArgument(
      new Argument("<shell>", "which shell").choices(Object.keys(SCRIPTS)),
    )
    .addHelpText("after", EXAMPLES)
    .action(async (shell: keyof typeof SCRIPTS) => {
      const program = new Command();
      for (const add of await subcommandsFor()) add(program, () => {});
      const output = new OrderedOutput();
      output.add(SCRIPTS[shell](shapesOf(program)));
      await output.flushed();
      done(EXIT.ok);
    });
}
