/**
 * Serves a JavaScript module, on the main thread or in worker threads.
 *
 * @module
 */
import { RpcError } from "../../rpc/errors.ts";
import type { RpcRequest } from "../../rpc/messages.ts";
import type { Procedure } from "../../rpc/procedure.ts";
import type { SendableResult } from "../../rpc/wire.ts";
import { LineLimit } from "../line_limit.ts";
import { WorkerPool } from "../pool.ts";
import {
  DEFAULT_MAX_REPLY_BYTES,
  type Service,
  WAITING_CONCURRENCY,
} from "../service.ts";
import { workerScript } from "../worker_script.ts";
import {
  findModule,
  LOAD_TIMEOUT_MS,
  loadModule,
  ModuleError,
  type ModuleSource,
} from "./load_module.ts";
import { uncaughtError, UncaughtErrors, uncaughtLine } from "./uncaught.ts";

/** How a module runs. */
export interface ModuleOptions {
  /** Worker threads, each with one request at a time; 0: the main thread. */
  workers: number;
  /**
   * What the workers may do beside reading the module's own folder; the main
   * thread may do what the program may.
   *
   * @default {{}}
   */
  permissions?: Deno.PermissionOptionsObject;
  /** Hears of uncaught errors and of workers that end, in a line each. */
  log: (line: string) => void;
  /**
   * The largest body of a reply that comes in pieces, in bytes.
   *
   * @default {16777216}
   */
  maxReplyBytes?: number;
  /**
   * How long it may take to load, in ms.
   *
   * @default {60_000}
   */
  loadTimeoutMs?: number;
}

/** What a worker is sent: the module, and a request unless it is to load. */
export interface ModuleJob {
  readonly source: ModuleSource;
  /** Without its methods; classes do not pass between threads. */
  readonly request?: Omit<RpcRequest, "text" | "json">;
  /** In ms since the epoch. */
  readonly deadlineMs: number;
  /** The largest body of a reply that comes in pieces. */
  readonly maxReplyBytes: number;
}

/**
 * Loads a module and makes its exported functions a service.
 *
 * @throws {ModuleError} where it can't be loaded, or exports no function.
 * @throws {Deno.errors.NotCapable} for permissions that this program itself
 * does not have.
 */
export async function openModule(
  path: string,
  options: ModuleOptions,
): Promise<Service> {
  const source = findModule(path);
  return options.workers === 0
    ? await onMainThread(source, options)
    : await inWorkers(source, options);
}

async function onMainThread(
  source: ModuleSource,
  { log, loadTimeoutMs }: ModuleOptions,
): Promise<Service> {
  const lines = new LineLimit(`module "${source.path}"`, log);
  const uncaught = new UncaughtErrors<Run>((error, run) => {
    lines.add(uncaughtLine(source.path, error));
    run?.fail(uncaughtError(error));
  });
  try {
    const procedure = await loadModule(source, loadTimeoutMs);
    return {
      procedure: guarded(procedure, uncaught),
      concurrency: WAITING_CONCURRENCY,
      // deno-lint-ignore require-await -- the interface is for children too
      [Symbol.asyncDispose]: async () => uncaught[Symbol.dispose](),
    };
  } catch (error) {
    uncaught[Symbol.dispose]();
    throw error;
  }
}

/** A run on the main thread, which an uncaught error may end. */
interface Run {
  fail(error: RpcError): void;
}

function guarded(
  procedure: Procedure,
  uncaught: UncaughtErrors<Run>,
): Procedure {
  return (request, context) => {
    const failed = Promise.withResolvers<never>();
    const result = uncaught.run(
      { fail: failed.reject },
      () => procedure(request, context),
    );
    return Promise.race([result, failed.promise]);
  };
}

// Not called: `deno compile` takes along what an import names.
void (() => import("./module_worker.ts"));

async function inWorkers(
  source: ModuleSource,
  options: ModuleOptions,
): Promise<Service> {
  const { workers, permissions, log } = options;
  const { loadTimeoutMs = LOAD_TIMEOUT_MS } = options;
  const { maxReplyBytes = DEFAULT_MAX_REPLY_BYTES } = options;
  const named = `module "${source.path}"`;
  const lines = new LineLimit(named, log);
  const script = workerScript("./module_worker.ts", import.meta.url);
  const loading: ModuleJob = { source, deadlineMs: Infinity, maxReplyBytes };
  const pool = new WorkerPool<ModuleJob, SendableResult>(
    script,
    workers,
    loading,
    {
      permissions: withFolder(source, permissions),
      log: (line) => lines.add(withName(named, line)),
      startTimeoutMs: loadTimeoutMs,
    },
  );
  try {
    await pool.ready;
  } catch (error) {
    pool[Symbol.dispose]();
    const { message } = RpcError.from(error);
    throw new ModuleError(withName(`${named} does not load`, message));
  }
  return {
    procedure: (request, { signal, deadlineMs }) => {
      // A view of one message among others, which would be copied as well.
      const bytes = request.bytes.slice();
      const copy = { ...request, bytes };
      const job = { source, request: copy, deadlineMs, maxReplyBytes };
      return pool.run(job, signal);
    },
    concurrency: workers,
    problem: () => pool.problem,
    // deno-lint-ignore require-await -- the interface is for children too
    [Symbol.asyncDispose]: async () => pool[Symbol.dispose](),
  };
}

/** What comes from loading a module has its name already. */
function withName(name: string, message: string): string {
  return message.startsWith('module "') ? message : `${name}: ${message}`;
}

/** Relative imports are read with the worker's own rights. */
function withFolder(
  { url }: ModuleSource,
  permissions: Deno.PermissionOptionsObject = {},
): Deno.PermissionOptionsObject {
  const { read = [] } = permissions;
  const folder = new URL(".", url);
  return {
    ...permissions,
    read: Array.isArray(read) ? [folder, ...read] : read,
  };
}
