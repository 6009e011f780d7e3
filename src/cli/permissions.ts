/**
 * What each subcommand needs of Deno. The rest is given back before it starts,
 * since the executable has one set of permissions for all of them, and none
 * can be had again.
 *
 * Deno gives a permission back as a whole: revoking one host, path or command
 * out of all changes nothing.
 *
 * @module
 */
import type { Command } from "commander";
import { isStdin, outputOf } from "./stdio/paths.ts";

/** A subcommand as it was called. */
interface Call {
  readonly flags: Record<string, unknown>;
  readonly args: readonly unknown[];
}

type Needs = (call: Call) => Partial<Record<Deno.PermissionName, boolean>>;

const ALL: readonly Deno.PermissionName[] = [
  "net",
  "read",
  "write",
  "run",
  "env",
  "sys",
  "ffi",
  // Granted for some hosts by default; Deno's types lack it.
  "import" as Deno.PermissionName,
];

/** Flags that name a file to read. */
const FILE_FLAGS = ["passwordFile", "cacert", "cert", "key"];

/** A parameter of a URL that names a file. */
const FILE_IN_URL = /[?&](?:cacert|cert|key)file=/;

/** In the executable the scripts of worker threads are part of it. */
const WORKERS_ARE_FILES = !Deno.build.standalone;

/** A subcommand that is not here keeps nothing. */
const NEEDS: Record<string, Needs> = {
  server: (call) => ({
    ...asked(call),
    net: true,
    read: readsFlags(call) || servesCommand(call) ||
      call.flags.module !== undefined ||
      (WORKERS_ARE_FILES && call.flags.builtin === "fib"),
    run: servesCommand(call) || asked(call).run,
    // PATH, to find the command by.
    env: servesCommand(call) || asked(call).env,
  }),
  client: (call) => ({
    net: !call.flags.dryRun,
    // To see that a file is not the input takes the right to read it.
    read: readsFlags(call) || readsBody(call) || writesFailures(call),
    write: writesFailures(call),
  }),
  status: (call) => ({ net: true, read: readsFlags(call) }),
  // Where the configuration is depends on the environment.
  context: () => ({ read: true, env: true }),
  // All flags are made again, and each looks for its variable.
  completions: () => ({ env: true }),
  bench: (call) => ({
    net: true,
    read: readsFlags(call),
    write: writesFile(call.flags.output),
  }),
  broker: (call) => ({
    net: true,
    read: readsFlags(call),
    run: call.args.flat().length > 0,
  }),
  demo: () => ({ net: true, run: true }),
  "demo-server": () => ({ net: true, read: WORKERS_ARE_FILES }),
};

function readsFlags({ flags }: Call): boolean {
  // stdin needs no permission.
  return FILE_FLAGS.some((name) => flags[name] && !isStdin(flags[name])) ||
    FILE_IN_URL.test(String(flags.url));
}

/** What a module is to be given; workers get no more than there is. */
function asked({ flags }: Call): ReturnType<Needs> {
  const kinds = Object.keys(flags.modulePermissions ?? {});
  return Object.fromEntries(kinds.map((kind) => [kind, true]));
}

function servesCommand({ args }: Call): boolean {
  return args.flat().length > 1;
}

function writesFailures({ flags }: Call): boolean {
  return writesFile(flags.failed) && !flags.dryRun;
}

/** stdout and stderr need no permission either. */
function writesFile(path: unknown): boolean {
  return typeof path === "string" && outputOf(path) === undefined;
}

function readsBody({ args: [, body] }: Call): boolean {
  return typeof body === "string" && body.startsWith("@") &&
    !isStdin(body.slice(1));
}

/** Gives back what this subcommand, as it was called, does not need. */
export async function giveBackPermissions(command: Command): Promise<void> {
  const call = { flags: command.opts(), args: command.processedArgs };
  const needs = NEEDS[command.name()]?.(call) ?? {};
  for (const name of ALL) {
    if (!needs[name]) await Deno.permissions.revoke({ name });
  }
}
