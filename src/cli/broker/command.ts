/**
 * `rabbit-rpc broker`: runs an in-memory AMQP broker for development and tests.
 *
 * @module
 */
import { readsConnectionFiles } from "../permissions.ts";
import type { Subcommand } from "../subcommand.ts";
import { addBrokerFlags, type BrokerFlags } from "./flags.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc broker
  rabbit-rpc broker --listen 127.0.0.1:0 -- deno task test
  rabbit-rpc broker --as 3.10
  rabbit-rpc broker --user alice --password-file secret.txt
  rabbit-rpc broker --password-file secrets.txt --user admin \\
    --user 'calc:^(calc|amq\\.gen-.*)$:^amq\\.default$:^(calc|amq\\.gen-.*)$'

Permissions are regular expressions that match names of queues and exchanges,
as in rabbitmqctl set_permissions: without ^ and $ they match parts of names, an
empty one matches nothing, and amq.default is the default exchange. With several
users, the password file has one line per user, in the same order, and the
printed URL is that of the first one.

Nothing is kept on disk, even if it is declared durable. Use RabbitMQ in
production.`;

/** The subcommand. */
export const broker: Subcommand = {
  add(program, { done }) {
    const command = program.command("broker")
      .summary("run a small AMQP broker for development")
      .description(
        "Runs an AMQP 0-9-1 broker in memory until it is stopped or, given a " +
          "command, until the command ends. AMQP_URL tells the command where " +
          "the broker is.",
      )
      .argument(
        "[command...]",
        "after --: run this command and exit with its status",
      )
      .addHelpText("after", EXAMPLES)
      .action(async (command: string[], flags: BrokerFlags) => {
        const { runBroker } = await import("./run.ts");
        done(await runBroker(command, flags));
      });
    addBrokerFlags(command);
  },
  permissions: (call) => ({
    net: true,
    read: readsConnectionFiles(call),
    run: call.args.flat().length > 0,
  }),
  outlivesTerminal: () => true,
};
