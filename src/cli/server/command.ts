/**
 * `rabbit-rpc server`: answers requests from a queue.
 *
 * @module
 */
import type { Command } from "commander";
import type { ConnectOptions } from "../../amqp/options.ts";
import { AmqpTransport } from "../../amqp/transport.ts";
import type { Service } from "../../procedures/service.ts";
import { RpcError } from "../../rpc/errors.ts";
import { counted } from "../../rpc/texts.ts";
import type { ServeOptions } from "../../rpc/serving/serve_options.ts";
import { RpcServer } from "../../rpc/serving/server.ts";
import { type ListenAddress, parseOpenAddress } from "../address.ts";
import { EXIT, exitStatusOf } from "../exit_status.ts";
import {
  addCommonFlags,
  type CommonFlags,
  connectOptions,
  flag,
  MOST_PREFETCHED,
  parseCount,
  parseNames,
  parseSize,
  parseTimeout,
} from "../flags.ts";
import { Health } from "./health.ts";
import { Log } from "../log.ts";
import { reportConnection } from "../connection_events.ts";
import { settingsFor } from "../connection_settings.ts";
import { LossyOutput } from "../lossy_output.ts";
import {
  addQueueFlags,
  queueDeclaration,
  type QueueFlags,
} from "./queue_flags.ts";
import { sentence } from "../sentences.ts";
import { serverReporter } from "./server_events.ts";
import { addServingFlags, openService, type ServingFlags } from "./serving.ts";
import { onStopSignal } from "../signals.ts";
import { writeStdout } from "../streams.ts";

/** How long a slow reader of stdout may hold up a server's end. */
const LAST_LINES_MS = 2_000;

interface ServerFlags extends CommonFlags, QueueFlags, ServingFlags {
  prefetch: number | null;
  handlerTimeout: number;
  maxBody: number;
  maxReply: number;
  maxHeaders: number;
  maxHeaderSize: number;
  replyTo?: string[];
  maxDeliveries: number;
  count?: number;
  grace: number;
  health?: ListenAddress;
}

const EXAMPLES = `
Examples:
  rabbit-rpc server rpc_queue --builtin fib
  rabbit-rpc server shouts -- tr a-z A-Z
  rabbit-rpc server model --exec-lines -- python3 model.py`;

/** Adds the subcommand; `done` gets the exit status. */
export function addServerCommand(
  program: Command,
  done: (status: number) => void,
): void {
  const command = program.command("server")
    .summary("answer requests from a queue")
    .description("Answers requests from a queue until it is stopped.")
    .argument("<queue>", "request queue; declared durable if it is missing")
    .argument("[command...]", "after --: run it, one process per request");
  addServingFlags(command)
    .addOption(
      flag("-c, --concurrency <n>", "requests that run at once")
        .argParser(parseCount(1, MOST_PREFETCHED)).default(
          null,
          "cores for fib and commands, else 256",
        ),
    )
    .addOption(
      flag("--prefetch <n>", "requests taken ahead from the broker")
        .argParser(parseCount(1, MOST_PREFETCHED)).default(
          null,
          "max(c, min(2c, 16))",
        ),
    )
    .addOption(
      flag("--handler-timeout <duration>", "limit of one run")
        .argParser(parseTimeout).default(30_000, "30s"),
    )
    .addOption(
      flag("--max-body <size>", "largest body of a request")
        .argParser(parseSize).default(2 ** 24, "16MiB"),
    )
    .addOption(
      flag("--max-reply <size>", "largest body of a reply")
        .argParser(parseSize).default(2 ** 24, "16MiB"),
    )
    .addOption(
      flag("--max-headers <n>", "headers of a request, nested ones included")
        .argParser(parseCount(1)).default(100),
    )
    .addOption(
      flag("--max-header-size <size>", "all headers of a request together")
        .argParser(parseSize).default(2 ** 16, "64KiB"),
    )
    .addOption(
      flag("--reply-to <pattern>", "reply to these shared queues as well")
        .argParser(parseNames),
    )
    .addOption(
      flag("--max-deliveries <n>", "redeliveries until a request is given up")
        .argParser(parseCount(0)).default(5, "5, on quorum queues"),
    );
  addQueueFlags(command)
    .addOption(
      flag("-n, --count <n>", "stop after so many requests")
        .argParser(parseCount(1)),
    )
    .addOption(
      flag("--grace <duration>", "for what runs when told to stop")
        .argParser(parseTimeout).default(30_000, "30s"),
    )
    .addOption(
      flag("--health <address>", "tell /healthz and /readyz there, :8080 say")
        .argParser(parseOpenAddress),
    )
    .addHelpText("after", EXAMPLES)
    .action(async (queue: string, words: string[], flags: ServerFlags) => {
      done(await serve(queue, { ...flags, command: words }));
    });
  addCommonFlags(command);
}

async function serve(queue: string, flags: ServerFlags): Promise<number> {
  const log = new Log(flags);
  await using health = flags.health && new Health(flags.health, log);
  await using service = await openService(flags, log);
  health?.watch(service);
  const { telemetry } = flags;
  const connecting: ConnectOptions = {
    ...await connectOptions(flags),
    name: `rabbit-rpc server ${queue}`,
    onEvent: (event) => {
      health?.onConnection(event);
      reportConnection(event, flags);
    },
  };
  await using transport = new AmqpTransport(
    settingsFor(flags, telemetry?.connecting(connecting) ?? connecting),
  );
  const output = new LossyOutput(
    writeStdout,
    (lines) =>
      log.warn(`${lines} lines could not be written to stdout in time`, {
        lines,
      }),
  );
  const serving = serveOptions(flags, service, output, health);
  const server = new RpcServer(
    transport,
    queue,
    service.procedure,
    telemetry?.serving(serving) ?? serving,
  );
  using _signals = onStopSignal((times) => {
    if (times === 1) {
      log.warn(`stopping; ${counted(server.inFlight, "request")} in hand`);
    }
    void server.stop(times === 1 ? {} : { graceMs: 0 });
  });
  try {
    await server.finished;
    return EXIT.ok;
  } catch (thrown) {
    const error = RpcError.from(thrown);
    const status = exitStatusOf(error);
    const subject = { queue, timeoutMs: flags.handlerTimeout };
    log.failure(error, sentence(error, subject), { status });
    return status;
  } finally {
    await output.flushedWithin(LAST_LINES_MS);
  }
}

function serveOptions(
  flags: ServerFlags,
  service: Service,
  output: LossyOutput,
  health: Health | undefined,
): ServeOptions {
  const reportEvent = serverReporter(flags, service, output);
  return {
    concurrency: flags.concurrency ?? service.concurrency,
    prefetch: flags.prefetch ?? undefined,
    handlerTimeoutMs: flags.handlerTimeout,
    maxBodyBytes: flags.maxBody,
    maxReplyBytes: flags.maxReply,
    maxHeaders: flags.maxHeaders,
    maxHeaderBytes: flags.maxHeaderSize,
    replyTo: flags.replyTo,
    maxDeliveries: flags.maxDeliveries,
    declare: queueDeclaration(flags),
    count: flags.count,
    graceMs: flags.grace,
    onEvent: (event) => {
      health?.onServer(event);
      reportEvent(event);
    },
  };
}
