/**
 * `rabbit-rpc server`: answers requests from a queue.
 *
 * @module
 */
import { readsConnectionFiles, WORKERS_ARE_FILES } from "../permissions.ts";
import type { Invocation, Permissions, Subcommand } from "../subcommand.ts";
import { addServerFlags, type ServerFlags } from "./flags.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc server rpc_queue --builtin fib
  rabbit-rpc server shouts -- tr a-z A-Z
  rabbit-rpc server model --exec-lines -- python3 model.py`;

/** The subcommand. */
export const server: Subcommand = {
  add(program, { done }) {
    const command = program.command("server")
      .summary("answer requests from a queue")
      .description("Answers requests from a queue until it is stopped.")
      .argument(
        "<queue>",
        "request queue; declared as durable if it is missing",
      )
      .argument(
        "[command...]",
        "after --: run this command, one process per request",
      )
      .addHelpText("after", EXAMPLES)
      .action(async (queue: string, words: string[], flags: ServerFlags) => {
        const { runServer } = await import("./run.ts");
        done(await runServer(queue, { ...flags, command: words }));
      });
    addServerFlags(command);
  },
  permissions(call) {
    const { builtin, module, modulePermissions } = call.flags;
    const forModule = modulePermissionsNeeded(modulePermissions);
    return {
      ...forModule,
      net: true,
      read: readsConnectionFiles(call) || servesCommand(call) ||
        module !== undefined || (WORKERS_ARE_FILES && builtin === "fib"),
      run: servesCommand(call) || forModule.run,
      // PATH, to find the command.
      env: servesCommand(call) || forModule.env,
    };
  },
  outlivesTerminal: () => true,
  isTraced: true,
};

/** A worker can't be given a permission that the program itself lacks. */
function modulePermissionsNeeded(flag: unknown): Permissions {
  const kinds = Object.keys(flag ?? {});
  return Object.fromEntries(kinds.map((kind) => [kind, true]));
}

function servesCommand({ args: [_queue, command] }: Invocation): boolean {
  return Array.isArray(command) && command.length > 0;
}
