/**
 * A JavaScript module as a procedure.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { timerMs } from "../../async/timers.ts";
import { byMethod } from "../../rpc/contract/methods.ts";
import { isRpcCode, RpcError } from "../../rpc/errors.ts";
import type { Procedure } from "../../rpc/procedure.ts";
import { formatMs } from "../../rpc/texts.ts";
import { placeIn } from "./place.ts";

/** A module that can't be served; the message says why, and names it. */
export class ModuleError extends Error {}

/** Where a module is. */
export interface ModuleSource {
  /** As its user wrote it, for messages. */
  readonly path: string;
  /** A `file:` URL. */
  readonly url: string;
}

/** How long a module may take to load, in ms. */
export const LOAD_TIMEOUT_MS = 60_000;

/** What only Deno itself can run, since the executable has no compiler. */
const NOT_PLAIN = /\.(?:ts|mts|cts|tsx|jsx)$/i;

/**
 * Where the module of a path is. (To be asked on the main thread: workers do
 * not know whether they are in an executable.)
 *
 * @throws {ModuleError} where it is TypeScript, and this an executable.
 */
export function findModule(path: string): ModuleSource {
  if (Deno.build.standalone && NOT_PLAIN.test(path)) {
    throw new ModuleError(
      `module "${path}" is not plain JavaScript: build it, or run rabbit-rpc ` +
        "from source with Deno",
    );
  }
  return { path, url: pathToFileURL(resolve(path)).href };
}

/**
 * Loads a module, its relative imports included. Exported functions are its
 * methods; see {@linkcode procedureOf}.
 *
 * @throws {ModuleError} where it does not parse, throws, takes more than
 * `limitMs`, or exports nothing that can be called.
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
 * A module that exports another as `all`: a promise for the other itself would
 * call a function `then` that it exports instead of being fulfilled.
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
        `it takes more than ${limit}; does a top-level await never resolve?`,
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
 * The functions of a module as one procedure; undefined where there is none.
 *
 * A default export alone gets every request. Where there are named ones, the
 * request's type chooses among these, and the default export gets the requests
 * without a type; `default` is no method's name.
 */
export function procedureOf(
  exports: Record<string, unknown>,
): Procedure | undefined {
  const methods = new Map<string, Procedure>();
  // A module's own exports: what any object inherits is not among them.
  for (const [name, value] of Object.entries(exports)) {
    if (isHandler(value)) methods.set(name, withCodes(value));
  }
  const untyped = methods.get("default");
  methods.delete("default");
  return methods.size === 0 ? untyped : byMethod(methods, untyped);
}

/** An exported class, of errors for example, is a function too. */
function isHandler(value: unknown): value is Procedure {
  return typeof value === "function" &&
    !/^class\b/.test(Function.prototype.toString.call(value));
}

/**
 * A module need not know our error class (in the executable it can't import
 * it): any error whose `code` is one of ours counts as one.
 */
function withCodes(handler: Procedure): Procedure {
  return async (request, context) => {
    try {
      return await handler(request, context);
    } catch (thrown) {
      throw withCode(thrown);
    }
  };
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

/** What went wrong, and where, in one line; Deno draws a picture of it. */
function loadFailure(thrown: unknown): string {
  const { message } = RpcError.from(thrown);
  const [what = "", ...rest] = stripVTControlCharacters(message).split("\n");
  const where = placeIn(rest.join("\n"));
  const sentence = what.replace(/\.$/, "");
  return `${nameOf(thrown)}${sentence}${where ? ` (${where})` : ""}`;
}

/** What a module throws has its name said; what the loader says needs none. */
function nameOf(thrown: unknown): string {
  const isThrown = thrown instanceof Error && !("code" in thrown);
  return isThrown ? `${thrown.name}: ` : "";
}
