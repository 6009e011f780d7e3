/**
 * Deno's permissions. The executable has one set of them for all subcommands,
 * so each gives up what it does not need before it starts.
 *
 * Deno revokes a permission only as a whole: revoking one host, path or command
 * of a permission that was granted for all has no effect.
 *
 * @module
 */
import { isStdin, outputOf } from "./stdio/paths.ts";
import type { Invocation, Permissions } from "./subcommand.ts";

const ALL: readonly Deno.PermissionName[] = [
  "net",
  "read",
  "write",
  "run",
  "env",
  "sys",
  "ffi",
  // Granted for some hosts by default; missing in Deno's types.
  "import" as Deno.PermissionName,
];

/** Flags of connections that name a file to read. */
const FILE_FLAGS = ["passwordFile", "cacert", "cert", "key"];

/** A parameter of a URL that names a file. */
const FILE_IN_URL = /[?&](?:cacert|cert|key)file=/;

/** Whether the scripts of worker threads are files; not in the executable. */
export const WORKERS_ARE_FILES: boolean = !Deno.build.standalone;

/** Whether the flags of a connection name files to read. */
export function readsConnectionFiles({ flags }: Invocation): boolean {
  // Stdin needs no permission.
  return FILE_FLAGS.some((name) => flags[name] && !isStdin(flags[name])) ||
    FILE_IN_URL.test(String(flags.url));
}

/** Whether a path, if any, names a file to write: not stdout nor stderr. */
export function writesFile(path: unknown): boolean {
  return typeof path === "string" && outputOf(path) === undefined;
}

/** Gives up all permissions that are not needed. */
export async function dropPermissions(needed: Permissions): Promise<void> {
  for (const name of ALL) {
    if (!needed[name]) await Deno.permissions.revoke({ name });
  }
}
