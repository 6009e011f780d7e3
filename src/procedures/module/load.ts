/**
 * Loads a JavaScript module as a procedure.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { timerMs } from "../../async/timers.ts";
import { byMethod } from "../../rpc/contract/methods.ts";
import { isRpcCode, RpcError } from "../../rpc/errors.ts";
import type { Procedure, RpcResult } from "../../rpc/procedure.ts";
import { formatMs } from "../../rpc/texts.ts";
import { withItems } from "./items.ts";
import { placeIn } from "./place.ts";

/** A module can't be served; the message names it and says why. */
export class ModuleError extends Error {}

/** The location of a module. */
export interface ModuleSource {
  /** The path as it was given, for messages. */
  readonly path: string;
  /** A `file:` URL. */
  readonly url: string;
}

/** How long a module may take to load, in ms. */
export const LOAD_TIMEOUT_MS = 60_000;

/** The executable has no compiler for these. */
const NOT_PLAIN = /\.(?:ts|mts|cts|tsx|jsx)$/i;

/**
 * Finds the module of a path. Only on the main thread: workers do not know
 * whether they are in an executable.
 *
 * @throws {ModuleError} if it is TypeScript and this is an executable.
 */
export function findModule(path: string): ModuleSource {
  if (Deno.build.standalone && NOT_PLAIN.test(path)) {
    throw new ModuleError(
      `module "${path}" is not plain JavaScript: compile it, or run ` +
        "rabbit-rpc from source with Deno",
    );
  }
  return { path, url: pathToFileURL(resolve(path)).href };
}

/**
 * Loads a module and its relative imports. Its exported functions are methods;
 * see {@linkcode procedureOf}.
 *
 * @throws {ModuleError} if it does not parse, throws, takes longer than
 * `limitMs`, or exports no function.
 */
export async function loadModule(
  source: ModuleSource,
  limitMs = LOAD_TIMEOUT_MS,
): Promise<Procedure> {
  const named = `module "${source.path}"`;
  let exports: Record<string, unknown>;
  try {
    exports = (await within(limitMs, wrapped(source))).all;
  } catch (thrown) {
    throw new ModuleError(`${named} does not load: ${loadFailure(thrown)}`);
  }
  const procedure = procedureOf(exports);
  if (procedure !== undefined) return procedure;
  throw new ModuleError(
    `${named} exports no function: export the handler as default, or methods ` +
      "by name",
  );
}

/**
 * A module that exports the other one as `all`. If the other one exports a
 * function `then`, a promise for the module itself would call it.
 */
function wrapped(
  { url }: ModuleSource,
): Promise<{ all: Record<string, unknown> }> {
  const wrapper = `export * as all from ${JSON.stringify(url)};`;
  return import(`data:text/javascript,${encodeURIComponent(wrapper)}`);
}

async function within<T>(limitMs: number, loading: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const limit = formatMs(limitMs);
    late.reject(
      new RpcError(
        "deadline_exceeded",
        `it takes longer than ${limit}; does a top-level await never resolve?`,
      ),
    );
  }, timerMs(limitMs));
  try {
    return await Promise.race([loading, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The functions of a module as one procedure; undefined if it has none.
 *
 * A default export alone takes every request. With named exports, the type of a
 * request chooses among them, and the default export takes requests without a
 * type. `default` is not the name of a method.
 */
export function procedureOf(
  exports: Record<string, unknown>,
): Procedure | undefined {
  const methods = new Map<string, Procedure>();
  // Only the module's own exports, without what objects inherit.
  for (const [name, value] of Object.entries(exports)) {
    if (isHandler(value)) methods.set(name, withCodes(value));
  }
  const untyped = methods.get("default");
  methods.delete("default");
  return methods.size === 0 ? untyped : byMethod(methods, untyped);
}

/** A class, such as an exported error, is a function but not a handler. */
function isHandler(value: unknown): value is Procedure {
  return typeof value === "function" &&
    !/^class\b/.test(Function.prototype.toString.call(value));
}

/**
 * In the executable, a module can't import our error class: any error with one
 * of our codes is treated like an RpcError.
 */
function withCodes(handler: Procedure): Procedure {
  return async (request, context) => {
    const result = await coded<RpcResult>(() => handler(request, context));
    return withItems(result, coded);
  };
}

async function coded<T>(act: () => T | PromiseLike<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    throw withCode(thrown);
  }
}

function withCode(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof RpcError) return thrown;
  const { code, details } = thrown as { code?: unknown; details?: unknown };
  if (!isRpcCode(code)) return thrown;
  return new RpcError(code, thrown.message, {
    details: { ...details as Record<string, unknown> },
    cause: thrown,
  });
}

/** What went wrong and where, in one line instead of Deno's several. */
function loadFailure(thrown: unknown): string {
  const { message } = RpcError.from(thrown);
  const [what = "", ...rest] = stripVTControlCharacters(message).split("\n");
  const where = placeIn(rest.join("\n"));
  const sentence = what.replace(/\.$/, "");
  return `${nameOf(thrown)}${sentence}${where ? ` (${where})` : ""}`;
}

/** The name of an error that the module throws; none for the loader's own. */
function nameOf(thrown: unknown): string {
  const isThrown = thrown instanceof Error && !("code" in thrown);
  return isThrown ? `${thrown.name}: ` : "";
}
