/**
 * The built-in procedures.
 *
 * @module
 */
import { delay } from "../../async/delay.ts";
import { RpcError } from "../../rpc/errors.ts";
import type { Procedure } from "../../rpc/procedure.ts";
import { type RpcRequest, sharedBytes } from "../../rpc/messages.ts";
import { fib, parseFibArgument } from "./fib.ts";
import { WorkerPool } from "../workers/pool.ts";
import { quote } from "../../rpc/texts.ts";
import { type Service, WAITING_CONCURRENCY } from "../service.ts";
import { workerScript } from "../workers/script.ts";

/** How built-in procedures run. */
export interface BuiltinOptions {
  /** Worker threads for computations; 0 runs them on the main thread. */
  workers: number;
  /** Takes lines about workers that end. */
  log?: (line: string) => void;
}

const MAX_SLEEP_MS = 2 ** 31 - 1;
/** The first job of each worker. */
const EASIEST = 0;

// Never called: it makes `deno compile` include the module.
void (() => import("./fib_worker.ts"));

const builtins = {
  fib: fibBuiltin,
  echo: () => waiting(sharedBytes),
  message: () =>
    waiting((request) => `Got a message from the client: ${request.text()}`),
  sleep: () => waiting(sleep),
} satisfies Record<string, (options: BuiltinOptions) => Service>;

/** The name of a built-in procedure. */
export type BuiltinName = keyof typeof builtins;

/** The names of all built-in procedures. */
export const BUILTIN_NAMES = Object.keys(builtins) as BuiltinName[];

/** Creates a built-in procedure, with its worker threads if it has any. */
export function createBuiltin(
  name: BuiltinName,
  options: BuiltinOptions,
): Service {
  return builtins[name](options);
}

function waiting(procedure: Procedure): Service {
  return {
    procedure,
    concurrency: WAITING_CONCURRENCY,
    async [Symbol.asyncDispose]() {},
  };
}

const sleep: Procedure = async (request, { signal }) => {
  const text = request.text().trim();
  const ms = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(ms <= MAX_SLEEP_MS)) {
    throw new RpcError(
      "invalid_argument",
      `sleep wants a whole number of ms, got ${quote(request.text())}`,
    );
  }
  await delay(ms, signal);
  return request.bytes;
};

function fibBuiltin({ workers, log }: BuiltinOptions): Service {
  const describe = (request: RpcRequest) => `fib(${request.text().trim()})`;
  if (workers === 0) {
    return {
      procedure: (request) => String(fib(parseFibArgument(request.text()))),
      concurrency: 1,
      describe,
      async [Symbol.asyncDispose]() {},
    };
  }
  const script = workerScript("./fib_worker.ts", import.meta.url);
  const pool = new WorkerPool<number, number>(script, workers, EASIEST, {
    log: (line) => log?.(`fib: ${line}`),
  });
  return {
    procedure: async (request, { signal }) =>
      String(await pool.run(parseFibArgument(request.text()), signal)),
    concurrency: workers,
    problem: () => pool.problem,
    describe,
    // deno-lint-ignore require-await -- the interface is for children too
    [Symbol.asyncDispose]: async () => pool[Symbol.dispose](),
  };
}
