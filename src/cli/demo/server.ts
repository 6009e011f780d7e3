/**
 * One server of `rabbit-rpc demo`: a process of its own that tells with each
 * reply who gave it.
 *
 * @module
 */
import type { Command } from "commander";
import { connect } from "../../amqp/connect.ts";
import { createBuiltin } from "../../procedures/builtin/catalog.ts";
import type { Procedure } from "../../rpc/procedure.ts";
import { EXIT } from "../exit_status.ts";
import { flag } from "../flags/common.ts";
import { OrderedOutput } from "../stdio/ordered_output.ts";
import { onStopSignal } from "../signals.ts";

/** Header of a reply: the process id of the server that gave it. */
export const PID_HEADER = "demo-server-pid";
/** The line that a server prints when it consumes. */
export const READY_LINE = "ready";
/** The line that a server prints when it starts a call of method `sleep`. */
export const SLEEPING_LINE = "sleeping";

/** Adds the subcommand, which help does not show. */
export function addDemoServerCommand(
  program: Command,
  done: (status: number) => void,
): void {
  program.command("demo-server", { hidden: true })
    .argument("<queue>")
    // From the environment: other users can see the arguments.
    .addOption(flag("--url <url>", "broker").makeOptionMandatory())
    .action(async (queue: string, { url }: { url: string }) => {
      done(await serveDemo(url, queue));
    });
}

async function serveDemo(url: string, queue: string): Promise<number> {
  await using fib = createBuiltin("fib", { workers: 1 });
  await using sleep = createBuiltin("sleep", { workers: 0 });
  const output = new OrderedOutput();
  const procedure: Procedure = async (request, context) => {
    const sleeping = request.type === "sleep";
    if (sleeping) output.add(SLEEPING_LINE);
    const builtin = sleeping ? sleep : fib;
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
