/**
 * `rabbit-rpc bench`: measures a queue and its servers.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import { readsConnectionFiles, writesFile } from "../permissions.ts";
import type { Subcommand } from "../subcommand.ts";
import { addBenchFlags, type BenchFlags } from "./flags.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc bench echo_queue --calls 100000 --concurrency 512
  rabbit-rpc bench rpc_queue --body 20 --duration 30s --rate 1000 --expect 'p99<50ms,errors<=0'
  rabbit-rpc bench echo_queue --size 4096 --format html -o report.html`;

/** The subcommand. */
export const bench: Subcommand = {
  add(program, { done }) {
    const command = program.command("bench")
      .summary("measure throughput and latency")
      .description(
        "Makes calls as fast as replies arrive, or at a fixed rate; latency " +
          "then counts from the moment at which a request was due.",
      )
      .argument("<queue>", "request queue")
      .addHelpText("after", EXAMPLES)
      .action(async (queue: string, flags: BenchFlags) => {
        if (flags.calls !== undefined && flags.duration !== undefined) {
          throw new InvalidArgumentError(
            "use either --calls or --duration, not both",
          );
        }
        const { runBench } = await import("./run.ts");
        done(await runBench(queue, flags));
      });
    addBenchFlags(command);
  },
  permissions: (call) => ({
    net: true,
    read: readsConnectionFiles(call),
    write: writesFile(call.flags.output),
  }),
  outlivesTerminal: () => true,
};
