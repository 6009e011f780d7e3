/**
 * Serves a JavaScript module on the main thread or in worker threads.
 *
 * @module
 */
import { RpcError } from "../../rpc/errors.ts";
import type { SendableResult } from "../../rpc/wire.ts";
import {
  findModule,
  LOAD_TIMEOUT_MS,
  loadModule,
  ModuleError,
  type ModuleSource,
} from "./load.ts";
import type { ModuleJob } from "./job.ts";
import { LineLimit } from "../line_limit.ts";
import { WorkerPool } from "../workers/pool.ts";
import {
  DEFAULT_MAX_REPLY_BYTES,
  type Service,
  WAITING_CONCURRENCY,
} from "../service.ts";
import { workerScript } from "../workers/script.ts";
import { runInWorker } from "./worker_run.ts";
import { guarded, type Run } from "./guarded.ts";
import { uncaughtError, UncaughtErrors, uncaughtLine } from "./uncaught.ts";

/** How to run a module. */
export interface ModuleOptions {
  /** Worker threads, each with one request at a time; 0 is the main thread. */
  workers: number;
  /**
   * What the workers may do, besides reading the module's own folder. The main
   * thread may do whatever the program may.
   *
   * @default {{}}
   */
  permissions?: Deno.PermissionOptionsObject;
  /** Takes lines about uncaught errors and about workers that end. */
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

/**
 * Loads a module, to serve its exported functions.
 *
 * @throws {ModuleError} if it can't be loaded or exports no function.
 * @throws {Deno.errors.NotCapable} for permissions that this program does not
 * have itself.
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
  const lines = new LineLimit(titleOf(source), log);
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

// Never called: it makes `deno compile` include the module.
void (() => import("./worker.ts"));

async function inWorkers(
  source: ModuleSource,
  options: ModuleOptions,
): Promise<Service> {
  const { workers, maxReplyBytes = DEFAULT_MAX_REPLY_BYTES } = options;
  const pool = startPool(source, options, maxReplyBytes);
  try {
    await pool.ready;
  } catch (error) {
    pool[Symbol.dispose]();
    const { message } = RpcError.from(error);
    throw new ModuleError(
      withName(`${titleOf(source)} does not load`, message),
    );
  }
  return {
    procedure: (request, context) => {
      const copy = { ...request, bytes: request.bytes };
      const { deadlineMs } = context;
      const job = { source, request: copy, deadlineMs, maxReplyBytes };
      return runInWorker(pool, job, context);
    },
    concurrency: workers,
    problem: () => pool.problem,
    // deno-lint-ignore require-await -- the interface is for children too
    [Symbol.asyncDispose]: async () => pool[Symbol.dispose](),
  };
}

function startPool(
  source: ModuleSource,
  { workers, permissions, log, loadTimeoutMs = LOAD_TIMEOUT_MS }: ModuleOptions,
  maxReplyBytes: number,
): WorkerPool<ModuleJob, SendableResult> {
  const title = titleOf(source);
  const lines = new LineLimit(title, log);
  const script = workerScript("./worker.ts", import.meta.url);
  const loading = { source, deadlineMs: Infinity, maxReplyBytes };
  return new WorkerPool(script, workers, loading, {
    permissions: withFolder(source, permissions),
    log: (line) => lines.add(withName(title, line)),
    startTimeoutMs: loadTimeoutMs,
  });
}

function titleOf({ path }: ModuleSource): string {
  return `module "${path}"`;
}

/** Adds the name, unless the message begins with it: errors of loading do. */
function withName(name: string, message: string): string {
  return message.startsWith('module "') ? message : `${name}: ${message}`;
}

/** A worker needs to read the files of relative imports. */
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
