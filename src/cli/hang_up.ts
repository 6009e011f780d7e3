/**
 * SIGHUP, which comes when a terminal closes. Whoever starts a program with
 * nohup wants it to be ignored.
 *
 * @module
 */
import type { Command } from "commander";
import { batchFlag, type ClientFlags } from "./client/flags.ts";
import type { StatusFlags } from "./status/command.ts";

/** A process that ends itself by SIGHUP, unless it inherits that from us. */
const PROBE = ["-c", "kill -s HUP $$"];

let ignored: Promise<boolean> = Promise.resolve(false);

/**
 * Finds out whether SIGHUP is ignored. Nothing in Deno tells, but a child does,
 * for which a permission is needed that is given back soon. Where it is missing
 * the answer is no; so it is at a terminal, where there is no nohup.
 */
export function lookForHangUp(command: Command): void {
  if (!isAtTerminal() && isLong(command)) ignored = isIgnoredByChild();
}

/** A single call, and a single look, are not worth a process. */
function isLong(command: Command): boolean {
  const flags = command.opts<ClientFlags & StatusFlags>();
  switch (command.name()) {
    case "server":
    case "bench":
    case "broker":
    case "demo":
      return true;
    case "client":
      return batchFlag(flags) !== undefined;
    case "status":
      return Boolean(flags.watch);
    default:
      return false;
  }
}

/** Whether it was ignored when the program was started; resolves always. */
export function isHangUpIgnored(): Promise<boolean> {
  return ignored;
}

/** Whether a terminal sends its signals to this program. */
export function isAtTerminal(): boolean {
  return Deno.stdin.isTerminal() || Deno.stdout.isTerminal() ||
    Deno.stderr.isTerminal();
}

async function isIgnoredByChild(): Promise<boolean> {
  const { state } = Deno.permissions.querySync({ name: "run" });
  if (Deno.build.os === "windows" || state !== "granted") return false;
  try {
    const probe = new Deno.Command("/bin/sh", {
      args: PROBE,
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    return (await probe.status).success;
  } catch {
    // No shell, or no more processes.
    return false;
  }
}
