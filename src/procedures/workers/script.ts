/**
 * Finds the scripts of worker threads.
 *
 * @module
 */

/**
 * The URL of a script beside the module with this `import.meta.url`. In the
 * executable, scripts are beside the entry point: the bundled modules have no
 * URL, whatever their type says.
 */
export function workerScript(name: string, moduleUrl?: string): URL {
  return new URL(name, moduleUrl ?? Deno.mainModule);
}
