/**
 * What the program has to know about a subcommand.
 *
 * @module
 */
import type { Command } from "commander";

/** A subcommand, in `command.ts` of its folder. */
export interface Subcommand {
  /** Adds its arguments and flags to the program. */
  add(program: Command, host: Host): void;
  /** The Deno permissions that it needs; the program gives up all others. */
  permissions(call: Invocation): Permissions;
  /**
   * Whether it runs so long that its terminal may be closed meanwhile: then
   * the program finds out whether nohup started it.
   *
   * @default never
   */
  outlivesTerminal?(call: Invocation): boolean;
  /** Whether its calls or requests are traced and measured. */
  readonly isTraced?: boolean;
}

/** What the program offers to a subcommand. */
export interface Host {
  /** Takes the exit status. */
  done(status: number): void;
  /** A program with all subcommands, to look up their flags. */
  allSubcommands(): Promise<Command>;
}

/** A subcommand as it was called. */
export interface Invocation {
  /** By name in camel case, as commander has them. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly args: readonly unknown[];
}

/** Permissions by name; what is missing or false is not needed. */
export type Permissions = Partial<Record<Deno.PermissionName, boolean>>;
