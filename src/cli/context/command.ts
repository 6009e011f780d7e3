/**
 * `rabbit-rpc context`: shows the configuration file.
 *
 * @module
 */
import { Argument, type Command } from "commander";
import { CliError, EXIT } from "../exit_status.ts";
import { Log } from "../log.ts";
import { jsonLine, oneLine } from "../printable.ts";
import { OrderedOutput } from "../stdio/ordered_output.ts";
import type { Subcommand } from "../subcommand.ts";
import type { Context } from "./config_file.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc context list
  rabbit-rpc context show prod
  rabbit-rpc status --context prod

The file is $XDG_CONFIG_HOME/rabbit-rpc/config.toml (default: ~/.config):

  [prod]
  url = "amqps://bob@mq.internal"
  password-file = "/run/secrets/mq"
  timeout = "5s"

The keys are names of flags. Flags and RABBIT_RPC_* variables override them.`;

/** The subcommand. */
export const context: Subcommand = {
  add(program, { done, allSubcommands }) {
    program.command("context")
      .summary("show the contexts in the configuration file")
      .description(
        "Lists the contexts in the configuration file, or shows one of them " +
          "without its secrets.",
      )
      .addArgument(
        new Argument("<action>", "what to do").choices(["list", "show"]),
      )
      .argument("[name]", "context to show")
      .addHelpText("after", EXAMPLES)
      .action(async (action: "list" | "show", name: string | undefined) => {
        done(await runContext(action, name, allSubcommands));
      });
  },
  // Variables of the environment name the folder of the file.
  permissions: () => ({ read: true, env: true }),
};

async function runContext(
  action: "list" | "show",
  name: string | undefined,
  allSubcommands: () => Promise<Command>,
): Promise<number> {
  if ((action === "show") !== (name !== undefined)) {
    throw new CliError(
      EXIT.usage,
      'use "context list" or "context show NAME".',
    );
  }
  const { ConfigFile } = await import("./config_file.ts");
  const file = ConfigFile.read();
  if (file.exposure) new Log().warn(file.exposure);
  const output = new OrderedOutput();
  const lines = name === undefined
    ? file.contexts.keys()
    : await contextLines(name, file.context(name), await allSubcommands());
  for (const line of lines) output.add(oneLine(line));
  await output.flushed();
  return EXIT.ok;
}

/** The section, without secrets and without what may be one. */
async function contextLines(
  name: string,
  context: Context,
  program: Command,
): Promise<string[]> {
  const { HIDDEN, redacted } = await import("./config_file.ts");
  const { isKeyOfAny } = await import("./apply.ts");
  return [
    `[${name}]`,
    ...Object.entries(context).map(([key, value]) =>
      isKeyOfAny(program, key)
        ? `${key} = ${jsonLine(redacted(key, value))}`
        : `${key} = "${HIDDEN}"  # there is no flag --${key}`
    ),
  ];
}
