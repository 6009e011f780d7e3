/**
 * Where the scripts of worker threads are.
 *
 * @module
 */

/**
 * A script beside the module that asks, whose URL is `import.meta.url`. In the
 * executable it is beside the entry: what is bundled has no URL of its own,
 * whatever the type says.
 */
export function workerScript(name: string, moduleUrl?: string): URL {
  return new URL(name, moduleUrl ?? Deno.mainModule);
}
