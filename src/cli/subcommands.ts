/**
 * The subcommands, each loaded when it is asked for: a call should not wait
 * for a broker.
 *
 * @module
 */
import type { Command } from "commander";

/** Adds a subcommand to the program; `done` gets the exit status. */
export type AddCommand = (
  program: Command,
  done: (status: number) => void,
) => void;

const SUBCOMMANDS: Record<string, () => Promise<AddCommand>> = {
  server: async () => (await import("./server/command.ts")).addServerCommand,
  client: async () => (await import("./client/command.ts")).addClientCommand,
  bench: async () => (await import("./bench/command.ts")).addBenchCommand,
  status: async () => (await import("./status/command.ts")).addStatusCommand,
  broker: async () => (await import("./broker/command.ts")).addBrokerCommand,
  demo: async () => (await import("./demo/command.ts")).addDemoCommand,
  context: async () => (await import("./context/command.ts")).addContextCommand,
  completions: async () =>
    (await import("./completions/command.ts")).addCompletionsCommand,
  "demo-server": async () =>
    (await import("./demo/server.ts")).addDemoServerCommand,
};

/** The one of this name; all of them where there is none: help may be wanted. */
export function subcommandsFor(name = ""): Promise<AddCommand[]> {
  const names = Object.hasOwn(SUBCOMMANDS, name)
    ? [name]
    : Object.keys(SUBCOMMANDS);
  return Promise.all(names.map((name) => SUBCOMMANDS[name]!()));
}
