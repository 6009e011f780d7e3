/**
 * The subcommands. Each is loaded only when it is asked for: a call should not
 * have to wait for the code of a broker.
 *
 * @module
 */
import { Command } from "commander";
import type { Subcommand } from "./subcommand.ts";

const SUBCOMMANDS: Record<string, () => Promise<Subcommand>> = {
  server: async () => (await import("./server/command.ts")).server,
  client: async () => (await import("./client/command.ts")).client,
  bench: async () => (await import("./bench/command.ts")).bench,
  status: async () => (await import("./status/command.ts")).status,
  broker: async () => (await import("./broker/command.ts")).broker,
  demo: async () => (await import("./demo/command.ts")).demo,
  context: async () => (await import("./context/command.ts")).context,
  completions: async () =>
    (await import("./completions/command.ts")).completions,
  "demo-server": async () => (await import("./demo/server.ts")).demoServer,
};

/** The subcommand of this name, or all of them if there is none: for help. */
export async function loadSubcommands(
  name = "",
): Promise<Map<string, Subcommand>> {
  const names = Object.hasOwn(SUBCOMMANDS, name)
    ? [name]
    : Object.keys(SUBCOMMANDS);
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, await SUBCOMMANDS[name]!()] as const),
    ),
  );
}

/** A program with all subcommands, whose flags can be looked up. */
export async function allSubcommands(): Promise<Command> {
  const program = new Command();
  for (const subcommand of (await loadSubcommands()).values()) {
    subcommand.add(program, { done() {}, allSubcommands });
  }
  return program;
}
