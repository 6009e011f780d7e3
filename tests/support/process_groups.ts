// What runs in a process group, as the system sees it.

import { runProcess } from "./process.ts";
import { waitUntil } from "./wait.ts";

/** Why process groups can't be looked at; undefined where they can. */
export function processGroupsMissing(): string | undefined {
  return Deno.build.os === "linux" ? undefined : "there is no /proc";
}

/** The names of the programs that live in a process group. */
export async function groupMembers(pgid: number): Promise<string[]> {
  // Deno itself may not read there. Some may end while they are read about.
  const read = "cat /proc/[0-9]*/stat 2>/dev/null; true";
  const { stdout } = await runProcess("sh", ["-c", read]);
  const members: string[] = [];
  for (const stat of stdout.split("\n")) {
    // The name may hold anything, spaces and brackets too.
    const [, name, state, pgrp] = stat.match(/^\d+ \((.*)\) (\S) \d+ (\d+) /) ??
      [];
    // A zombie has ended; it waits to be counted by its parent.
    if (Number(pgrp) === pgid && state !== "Z") members.push(name!);
  }
  return members;
}

/** Waits until nothing lives in a process group. */
export async function groupEnd(pgid: number, timeoutMs = 10_000) {
  await waitUntil(
    `the end of process group ${pgid}`,
    async () => (await groupMembers(pgid)).length === 0,
    timeoutMs,
  );
}

/** Ends a process that a test left to itself, if it is still there. */
export function killIfThere(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
