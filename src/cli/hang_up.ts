/**
 * SIGHUP, which comes when a terminal is closed, and which a program started
 * with nohup should ignore.
 *
 * @module
 */

/** A process that SIGHUP ends, unless it inherits from us that it is ignored. */
const PROBE = ["-c", "kill -s HUP $$"];

let ignored: Promise<boolean> = Promise.resolve(false);

/**
 * Starts to find out whether SIGHUP was ignored when the program was started.
 * Deno does not tell, but a child process does; this needs the permission to
 * run one, at once. Without it, and at a terminal, the answer is no.
 */
export function probeHangUp(): void {
  if (!isAtTerminal()) ignored = isIgnoredByChild();
}

/** Whether SIGHUP is to be ignored. Never rejects. */
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
    // There is no shell, or no more processes can be started.
    return false;
  }
}
