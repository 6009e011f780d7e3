/**
 * The command line: reads the arguments, runs a subcommand, and turns whatever
 * goes wrong into one line and an exit status.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import { RpcError } from "../rpc/errors.ts";
import { addBenchCommand } from "./bench.ts";
import { addBrokerCommand } from "./broker.ts";
import { addDemoCommand } from "./demo.ts";
import { addDemoServerCommand } from "./demo_server.ts";
import { addClientCommand } from "./client.ts";
import { CliError, EXIT, exitStatusOf } from "./exit_status.ts";
import { withholdSettings } from "./flags.ts";
import { report } from "./output.ts";
import { addServerCommand } from "./server.ts";
import { versionText } from "./version.ts";

/** Runs the program and returns its exit status. */
export async function main(args: string[]): Promise<number> {
  let status: number = EXIT.ok;
  const program = createProgram((exitStatus) => status = exitStatus);
  try {
    await program.parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    return failureStatus(error);
  }
}

function createProgram(done: (status: number) => void): Command {
  const program = new Command("rabbit-rpc")
    .description("Request/reply (RPC) over RabbitMQ.")
    .version(versionText(), "-V, --version", "print the version and exit")
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureOutput({
      writeErr: (text) => report(text.trim().replace(/^error: /, "")),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .hook("preAction", (_, command) => withholdSettings(command))
    .exitOverride();
  addServerCommand(program, done);
  addClientCommand(program, done);
  addBenchCommand(program, done);
  addBrokerCommand(program, done);
  addDemoCommand(program, done);
  addDemoServerCommand(program, done);
  return program;
}

function failureStatus(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  // Nobody reads the results any more, `| head -1` for example.
  if (error instanceof Deno.errors.BrokenPipe) return EXIT.ok;
  if (error instanceof CliError) {
    report(error.message);
    return error.status;
  }
  if (error instanceof RangeError) {
    report(`${error.message}.`);
    return EXIT.usage;
  }
  if (error instanceof RpcError) {
    report(`${error.message}.`);
    return exitStatusOf(error);
  }
  report(`a bug in rabbit-rpc: ${(error as Error)?.stack ?? error}`);
  return EXIT.bug;
}
