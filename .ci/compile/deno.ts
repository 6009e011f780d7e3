/**
 * Runs programs while building.
 *
 * @module
 */

/**
 * Runs the Deno that runs this.
 *
 * @throws {Error} with what it said first, where it fails.
 */
export async function deno(
  args: string[],
  env?: Record<string, string>,
): Promise<void> {
  await run(`deno ${args[0]}`, Deno.execPath(), args, env);
}

/**
 * Runs a program; `env` in place of our own environment, where it is given.
 *
 * @throws {Error} with what it said first, where it fails.
 */
export async function run(
  name: string,
  path: string,
  args: string[],
  env?: Record<string, string>,
): Promise<void> {
  const { success, stderr } = await new Deno.Command(path, {
    args,
    env: { ...env, NO_COLOR: "1" },
    clearEnv: env !== undefined,
  }).output();
  if (success) return;
  const text = new TextDecoder().decode(stderr);
  // Of a chain of causes the first is telling; what follows repeats it.
  const [reason] = text.split(/\n\s+2: |\n+Stack backtrace/);
  throw new Error(`${name}: ${reason!.trim()}`);
}
