/**
 * The command line: reads the arguments, runs a subcommand, and turns whatever
 * goes wrong into one line and an exit status.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import { RpcError } from "../rpc/errors.ts";
import { CliError, EXIT, exitStatusOf } from "./exit_status.ts";
import { showOrigins, withOrigin } from "./flags/origins.ts";
import { withholdSettings } from "./flags/common.ts";
import { Log } from "./log.ts";
import { lookForHangUp } from "./hang_up.ts";
import { giveBackPermissions } from "./permissions.ts";
import { subcommandsFor } from "./subcommands.ts";
import { stderr } from "./stdio/stderr.ts";
import { writeStdout } from "./stdio/streams.ts";
import { startTelemetry } from "./telemetry.ts";
import { VERSION } from "./version.ts";

/** How long a reader of stderr that stands still may hold up the end. */
const LAST_LINES_MS = 2_000;

/** Runs the program and returns its exit status. */
export async function main(args: string[]): Promise<number> {
  let status: number = EXIT.ok;
  let telemetry: { close(): Promise<void> } | undefined;
  let help = "";
  const program = createProgram((text) => help += text);
  try {
    for (const add of await subcommandsFor(args[0])) {
      add(program, (exitStatus) => status = exitStatus);
    }
    program.commands.forEach(showOrigins);
    if (mentionsContext(args)) {
      // The reader of TOML is loaded for nothing else.
      (await import("./context/apply.ts")).useContexts(program);
    }
    program.hook("preAction", (_, command) => withholdSettings(command));
    program.hook("preAction", async (_, command) => {
      telemetry = await startTelemetry(command);
    });
    program.hook("preAction", (_, command) => lookForHangUp(command));
    program.hook("preAction", (_, command) => giveBackPermissions(command));
    await program.parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    const [command, ...others] = program.commands;
    const failed = others.length === 0 ? command : undefined;
    return await writeHelp(help).then(
      () => failureStatus(error, failed),
      (ioError) => failureStatus(ioError, failed),
    );
  } finally {
    await telemetry?.close();
    await stderr.flushedWithin(LAST_LINES_MS);
  }
}

/** Whether a context may be asked for; that is known once all is parsed. */
function mentionsContext(args: string[]): boolean {
  return Boolean(Deno.env.get("RABBIT_RPC_CONTEXT")) ||
    args.some((arg) => arg.startsWith("--context"));
}

/** What the parser ends with instead of a subcommand: help, or the version. */
async function writeHelp(text: string): Promise<void> {
  await writeStdout(new TextEncoder().encode(text));
}

function createProgram(writeOut: (text: string) => void): Command {
  return new Command("rabbit-rpc")
    .description("Request/reply (RPC) over RabbitMQ.")
    .version(VERSION, "-V, --version", "print the version and exit")
    .helpCommand(false)
    .showSuggestionAfterError()
    // As wide as the terminal, 80 elsewhere; wrapped in a narrow one too.
    .configureHelp({ minWidthToWrap: 20 })
    .configureOutput({
      writeOut,
      // Told by failureStatus.
      outputError: () => {},
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
}

/** Says what went wrong; the subcommand is the one that ran, if any did. */
function failureStatus(error: unknown, command: Command | undefined): number {
  const log = new Log(command?.opts());
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    if (error.code !== "commander.help") {
      log.error(usageMistake(error, command), { status: EXIT.usage });
    }
    return EXIT.usage;
  }
  // Nobody reads the results any more, `| head -1` for example.
  if (error instanceof Deno.errors.BrokenPipe) return EXIT.ok;
  const [status, message] = described(error, command);
  // A CliError says in other words what its cause is.
  const cause = error instanceof CliError ? error.cause : error;
  log.failure(cause, message, { status });
  return status;
}

function usageMistake(
  { code, message }: CommanderError,
  command: Command | undefined,
): string {
  const mistake = message.replace(/^error: /, "");
  const isBody = code === "commander.unknownOption" &&
    command?.name() === "client" && !mistake.includes("Did you mean");
  const word = isBody && /^unknown option '(.*)'$/s.exec(mistake)?.[1];
  return word ? `${mistake}. To send "${word}", write -- ${word}.` : mistake;
}

function described(
  error: unknown,
  command: Command | undefined,
): [status: number, message: string] {
  if (error instanceof CliError) return [error.status, error.message];
  if (error instanceof Deno.errors.NotCapable) {
    return [
      EXIT.refused,
      `it was given too few permissions. ${error.message}.`,
    ];
  }
  if (error instanceof RangeError) {
    return [EXIT.usage, `${withOrigin(error.message, command)}.`];
  }
  if (error instanceof RpcError) {
    return [exitStatusOf(error), `${error.message}.`];
  }
  const stack = error instanceof Error ? error.stack : String(error);
  return [EXIT.bug, `a bug in rabbit-rpc: ${stack}`];
}
