/**
 * The flags of `server --module`, and the module that they name.
 *
 * @module
 */
import { type Command, InvalidArgumentError } from "commander";
import { ModuleError } from "../../procedures/module/load.ts";
import { openModule } from "../../procedures/module/open.ts";
import type { Service } from "../../procedures/service.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { flag } from "../flags/flag.ts";
import { cannotRead } from "../stdio/file_errors.ts";
import type { Log } from "../log.ts";

/** The flags of a module. */
export interface ModuleFlags {
  module?: string;
  modulePermissions?: Deno.PermissionOptionsObject;
  workers: number | null;
  maxReply: number;
}

/** Permissions for workers; they may always read the module's own folder. */
const PERMISSIONS = ["env", "net", "read", "run", "sys", "write"] as const;

/** Adds the flags that are only for modules. */
export function addModuleFlags(command: Command): Command {
  return command
    .addOption(
      flag(
        "--module <file>",
        "serve the functions that a JavaScript module exports",
      ),
    )
    .addOption(
      flag(
        "--module-permissions <list>",
        "permissions of the module's workers: net, write=DIR, ...",
      )
        .argParser(parsePermissions),
    );
}

/**
 * Parses `net,read=DIR,read=DIR`, as in Deno's flags: a name alone grants
 * everything of its kind, one with a value only that value.
 */
export function parsePermissions(text: string): Deno.PermissionOptionsObject {
  const granted: Partial<Record<string, true | string[]>> = {};
  for (const item of text.split(",")) {
    const [, name = "", value] = /^(\w+)(?:=(.+))?$/.exec(item.trim()) ?? [];
    if (!PERMISSIONS.some((known) => known === name)) {
      throw new InvalidArgumentError(
        `It must be a list of ${PERMISSIONS.join(", ")}, each alone or with ` +
          "a value: net=api.example.com:443,read=/srv/data.",
      );
    }
    const before = granted[name];
    granted[name] = value === undefined || before === true
      ? true
      : [...before ?? [], value];
  }
  return granted as Deno.PermissionOptionsObject;
}

/**
 * Opens the module that the flags name, ready to run.
 *
 * @throws {CliError} if it can't be read or served, or if its workers would get
 * more permissions than the program has.
 */
export async function openModuleFlags(
  path: string,
  flags: ModuleFlags,
  log: Log,
): Promise<Service> {
  const { workers, modulePermissions: permissions } = flags;
  await checkReadable(path);
  try {
    return await openModule(path, {
      workers: workers ?? 0,
      permissions,
      maxReplyBytes: flags.maxReply,
      log: (line) => log.warn(line),
    });
  } catch (error) {
    throw explained(error);
  }
}

async function checkReadable(path: string): Promise<void> {
  try {
    const file = await Deno.open(path);
    const { isFile } = await file.stat();
    file.close();
    if (!isFile) throw new Error("not a file");
  } catch (error) {
    throw cannotRead(`"${path}"`, error);
  }
}

function explained(error: unknown): unknown {
  if (error instanceof ModuleError) {
    return new CliError(EXIT.badInput, `${error.message}.`);
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new CliError(
      EXIT.usage,
      "--module-permissions grants more than rabbit-rpc itself is allowed.",
    );
  }
  return error;
}
