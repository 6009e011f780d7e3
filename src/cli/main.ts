/**
 * The command line: reads the arguments, runs a subcommand, and turns whatever
 * goes wrong into one line and an exit status.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import { RpcError } from "../rpc/errors.ts";
import { CliError, EXIT, exitStatusOf } from "./exit_status.ts";
import { withholdSettings } from "./flags.ts";
import { report } from "./output.ts";
import { giveBackPermissions } from "./permissions.ts";
import { VERSION } from "./version.ts";

/** Adds a subcommand to the program; `done` gets the exit status. */
type AddCommand = (program: Command, done: (status: number) => void) => void;

/** Each is loaded when it is asked for: a call should not wait for a broker. */
const SUBCOMMANDS: Record<string, () => Promise<AddCommand>> = {
  server: async () => (await import("./server.ts")).addServerCommand,
  client: async () => (await import("./client.ts")).addClientCommand,
  bench: async () => (await import("./bench.ts")).addBenchCommand,
  broker: async () => (await import("./broker.ts")).addBrokerCommand,
  demo: async () => (await import("./demo.ts")).addDemoCommand,
  "demo-server": async () =>
    (await import("./demo_server.ts")).addDemoServerCommand,
};

/** Runs the program and returns its exit status. */
export async function main(args: string[]): Promise<number> {
  let status: number = EXIT.ok;
  const program = createProgram();
  try {
    for (const add of await subcommandsFor(args)) {
      add(program, (exitStatus) => status = exitStatus);
    }
    await program.parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    return failureStatus(error);
  }
}

/** The one that is asked for; all of them where help may be wanted. */
function subcommandsFor([name = ""]: string[]): Promise<AddCommand[]> {
  const names = Object.hasOwn(SUBCOMMANDS, name)
    ? [name]
    : Object.keys(SUBCOMMANDS);
  return Promise.all(names.map((name) => SUBCOMMANDS[name]!()));
}

function createProgram(): Command {
  return new Command("rabbit-rpc")
    .description("Request/reply (RPC) over RabbitMQ.")
    .version(VERSION, "-V, --version", "print the version and exit")
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureOutput({
      writeErr: (text) => report(text.trim().replace(/^error: /, "")),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .hook("preAction", (_, command) => withholdSettings(command))
    .hook("preAction", (_, command) => giveBackPermissions(command))
    .exitOverride();
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
