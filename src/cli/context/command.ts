/**
 * `rabbit-rpc context`: what is in the configuration file.
 *
 * @module
 */
import { Argument, type Command } from "commander";
import type { Context } from "./config_file.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { Log } from "../log.ts";
import { OrderedOutput } from "../stdio/ordered_output.ts";
import { jsonLine, oneLine } from "../printable.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc context list
  rabbit-rpc context show prod
  rabbit-rpc status --context prod

The file is $XDG_CONFIG_HOME/rabbit-rpc/config.toml (~/.config by default):

  [prod]
  url = "amqps://bob@mq.internal"
  password-file = "/run/secrets/mq"
  timeout = "5s"

Its keys are flags; flags and RABBIT_RPC_* win over it.`;

/** Adds the subcommand; `done` gets the exit status. */
export function addContextCommand(
  program: Command,
  done: (status: number) => void,
): void {
  program.command("context")
    .summary("show the contexts of the configuration file")
    .description(
      "Names the contexts of the configuration file, or shows one of them " +
        "without its secrets.",
    )
    .addArgument(
      new Argument("<action>", "what to do").choices(["list", "show"]),
    )
    .argument("[name]", "the context to show")
    .addHelpText("after", EXAMPLES)
    .action(async (action: "list" | "show", name: string | undefined) => {
      done(await runContext(action, name));
    });
}

async function runContext(
  action: "list" | "show",
  name: string | undefined,
): Promise<number> {
  if ((action === "show") !== (name !== undefined)) {
    throw new CliError(
      EXIT.usage,
      'it is "context list", or "context show NAME".',
    );
  }
  const { ConfigFile } = await import("./config_file.ts");
  const file = ConfigFile.read();
  if (file.exposure) new Log().warn(file.exposure);
  const output = new OrderedOutput();
  const lines = name === undefined
    ? file.contexts.keys()
    : await contextLines(name, file.context(name));
  for (const line of lines) output.add(oneLine(line));
  await output.flushed();
  return EXIT.ok;
}

/** As they are in the file, without secrets, and what else may be one. */
async function contextLines(name: string, context: Context): Promise<string[]> {
  const { HIDDEN, redacted } = await import("./config_file.ts");
  const { keysOfAll } = await import("./apply.ts");
  const isKey = await keysOfAll();
  return [
    `[${name}]`,
    ...Object.entries(context).map(([key, value]) =>
      isKey(key)
        ? `${key} = ${jsonLine(redacted(key, value))}`
        : `${key} = "${HIDDEN}"  # there is no flag --${key}`
    ),
  ];
}
