/**
 * The command line: parses the arguments, runs a subcommand, and turns a
 * failure into one line on stderr and an exit status.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import { EXIT } from "./exit_status.ts";
import { reportFailure } from "./failure.ts";
import { withholdSettings } from "./flags/flag.ts";
import { showOrigins } from "./flags/origins.ts";
import { probeHangUp } from "./hang_up.ts";
import { dropPermissions } from "./permissions.ts";
import { stderr } from "./stdio/stderr.ts";
import { writeStdout } from "./stdio/streams.ts";
import type { Subcommand } from "./subcommand.ts";
import { allSubcommands, loadSubcommands } from "./subcommands.ts";
import { startTelemetry } from "./telemetry.ts";
import { VERSION } from "./version.ts";

/** How long to wait at the end for a slow reader of stderr. */
const LAST_LINES_MS = 2_000;

/** Runs the program and returns its exit status. */
export async function main(args: string[]): Promise<number> {
  let status: number = EXIT.ok;
  let telemetry: { close(): Promise<void> } | undefined;
  let help = "";
  const program = createProgram((text) => help += text);
  try {
    const subcommands = await loadSubcommands(args[0]);
    const done = (exitStatus: number) => status = exitStatus;
    for (const subcommand of subcommands.values()) {
      subcommand.add(program, { done, allSubcommands });
    }
    program.commands.forEach(showOrigins);
    if (mentionsContext(args)) {
      // Loaded only now, since it loads the TOML parser.
      const { useContexts } = await import("./context/apply.ts");
      useContexts(program, allSubcommands);
    }
    program.hook("preAction", async (_, command) => {
      const subcommand = subcommands.get(command.name())!;
      telemetry = await prepare(command, subcommand);
    });
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

/** Whether there may be a context; it is certain only once all is parsed. */
function mentionsContext(args: string[]): boolean {
  return Boolean(Deno.env.get("RABBIT_RPC_CONTEXT")) ||
    args.some((arg) => arg.startsWith("--context"));
}

/**
 * Does what has to be done between the parsing of the flags and the action of
 * a subcommand, the dropping of permissions last.
 */
async function prepare(command: Command, subcommand: Subcommand) {
  const call = { flags: command.opts(), args: command.processedArgs };
  withholdSettings(command);
  const telemetry = subcommand.isTraced
    ? await startTelemetry(command)
    : undefined;
  if (subcommand.outlivesTerminal?.(call)) probeHangUp();
  await dropPermissions(subcommand.permissions(call));
  return telemetry;
}

/** The help or the version, if the parser ended with one of them. */
async function writeHelp(text: string): Promise<void> {
  await writeStdout(new TextEncoder().encode(text));
}

function createProgram(writeOut: (text: string) => void): Command {
  return new Command("rabbit-rpc")
    .description("Request/reply (RPC) over RabbitMQ.")
    .version(VERSION, "-V, --version", "print the version and exit")
    .helpOption("-h, --help", "print this help and exit")
    .helpCommand(false)
    .showSuggestionAfterError()
    // As wide as the terminal, else 80; wrapped in a narrow one too.
    .configureHelp({ minWidthToWrap: 20 })
    .configureOutput({
      writeOut,
      // Reported by failureStatus.
      outputError: () => {},
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
}

/** The exit status of an error, after it has been reported. */
function failureStatus(error: unknown, command: Command | undefined): number {
  const isHelp = error instanceof CommanderError && error.exitCode === 0;
  // A reader of results that has gone, such as `head -1`, is no failure.
  if (isHelp || error instanceof Deno.errors.BrokenPipe) return EXIT.ok;
  return reportFailure(error, command);
}
