/**
 * `rabbit-rpc demo-server`, which help does not show: a server process of the
 * demo, whose replies name the process.
 *
 * @module
 */
import { connect } from "../../amqp/connect.ts";
import { delay } from "../../async/delay.ts";
import { createBuiltin } from "../../procedures/builtin/catalog.ts";
import { fib } from "../../procedures/builtin/fib.ts";
import type { Procedure } from "../../rpc/procedure.ts";
import { EXIT } from "../exit_status.ts";
import { flag } from "../flags/flag.ts";
import { WORKERS_ARE_FILES } from "../permissions.ts";
import { OrderedOutput } from "../stdio/ordered_output.ts";
import { onStopSignal } from "../signals.ts";
import type { Subcommand } from "../subcommand.ts";

/** Header of a reply: the id of the server process. */
export const PID_HEADER = "demo-server-pid";
/** A server prints this line once it is consuming. */
export const READY_LINE = "ready";
/** A server prints this line when it starts to run `sleep`. */
export const SLEEPING_LINE = "sleeping";

/** Type of a request for a stream of the first Fibonacci numbers. */
export const STREAM_TYPE = "stream";

/** Long enough to see the items come. */
const ITEM_MS = 50;

/** The subcommand. */
export const demoServer: Subcommand = {
  add(program, { done }) {
    program.command("demo-server", { hidden: true })
      .argument("<queue>")
      // Set in the environment: other users can see the arguments.
      .addOption(flag("--url <url>", "broker").makeOptionMandatory())
      .action(async (queue: string, { url }: { url: string }) => {
        done(await serveDemo(url, queue));
      });
  },
  permissions: () => ({ net: true, read: WORKERS_ARE_FILES }),
};

async function serveDemo(url: string, queue: string): Promise<number> {
  await using fibs = createBuiltin("fib", { workers: 1 });
  await using sleep = createBuiltin("sleep", { workers: 0 });
  const output = new OrderedOutput();
  const procedure: Procedure = async (request, context) => {
    if (request.type === STREAM_TYPE) return numbers(Number(request.text()));
    const sleeping = request.type === "sleep";
    if (sleeping) output.add(SLEEPING_LINE);
    const builtin = sleeping ? sleep : fibs;
    const body = await builtin.procedure(request, context);
    return {
      body: body as string | Uint8Array,
      headers: { [PID_HEADER]: String(Deno.pid) },
    };
  };
  await using rpc = await connect(url);
  const server = await rpc.serve(queue, procedure, { concurrency: 4 });
  using _signals = onStopSignal(() => void server.stop());
  output.add(READY_LINE);
  await server.finished;
  return EXIT.ok;
}

async function* numbers(count: number): AsyncGenerator<string> {
  for (let n = 1; n <= count; n++) {
    await delay(ITEM_MS);
    yield String(fib(n));
  }
}
