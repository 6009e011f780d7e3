/**
 * Runs programs while building.
 *
 * @module
 */

/** What a program is run with. */
interface RunOptions {
  /** In place of our own environment. */
  env?: Record<string, string>;
  /** Ends it after so long. */
  timeoutMs?: number;
}

/**
 * Runs the Deno that runs this.
 *
 * @throws {Error} with what it said first, where it fails.
 */
export async function deno(
  args: string[],
  options?: RunOptions,
): Promise<void> {
  await run(`deno ${args[0]}`, Deno.execPath(), args, options);
}

/**
 * Runs a program.
 *
 * @throws {Error} with what it said first, where it fails.
 */
export async function run(
  name: string,
  path: string,
  args: string[],
  { env, timeoutMs }: RunOptions = {},
): Promise<void> {
  const { success, stderr } = await new Deno.Command(path, {
    args,
    env: { ...env, NO_COLOR: "1" },
    clearEnv: env !== undefined,
    signal: timeoutMs === undefined
      ? undefined
      : AbortSignal.timeout(timeoutMs),
  }).output();
  if (success) return;
  const text = new TextDecoder().decode(stderr);
  // Of a chain of causes the first is telling; what follows repeats it.
  const [reason] = text.split(/\n\s+2: |\n+Stack backtrace/);
  throw new Error(
    `${name}: ${reason!.trim() || "it failed, or took too long"}`,
  );
}
