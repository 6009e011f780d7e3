// Processor time and memory of another process, as Linux tells them in /proc.

/** Of a process, since it was started. */
export interface Usage {
  /** Processor time of all its threads, user and system, in ms. */
  cpuMs: number;
  /** The most memory that was resident at once, in MiB. */
  peakMiB: number;
}

/** Linux tells times in hundredths of a second, whatever its clock does. */
const TICK_MS = 10;
const KIB_PER_MIB = 1024;

/**
 * What a process has used.
 *
 * @throws {Deno.errors.NotFound} where it has ended, or there is no /proc.
 */
export async function usage(pid: number): Promise<Usage> {
  const [stat, status] = await Promise.all([
    Deno.readTextFile(`/proc/${pid}/stat`),
    Deno.readTextFile(`/proc/${pid}/status`),
  ]);
  return { cpuMs: cpuMs(stat), peakMiB: peakMiB(status) };
}

/** From /proc/PID/stat. */
export function cpuMs(stat: string): number {
  // The second field is a name in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [fields[11], fields[12]];
  return TICK_MS * (Number(user) + Number(system));
}

/** From /proc/PID/status. */
export function peakMiB(status: string): number {
  const kib = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error("/proc/PID/status has no VmHWM");
  return Number(kib) / KIB_PER_MIB;
}
