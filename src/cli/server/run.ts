/**
 * Runs a server until it is stopped.
 *
 * @module
 */
import { AmqpTransport } from "../../amqp/transport.ts";
import type { Service } from "../../procedures/service.ts";
import type { ServeOptions } from "../../rpc/serving/serve_options.ts";
import type { ServeHooks } from "../../rpc/serving/server_events.ts";
import { RpcServer } from "../../rpc/serving/server.ts";
import { reportConnection } from "../connection/events.ts";
import { connectOptions, settingsFor } from "../connection/settings.ts";
import { callError } from "../call_error.ts";
import { EXIT } from "../exit_status.ts";
import { Log } from "../log.ts";
import { counted } from "../../rpc/texts.ts";
import { onStopSignal } from "../signals.ts";
import { LossyOutput } from "../stdio/lossy_output.ts";
import { writeStdout } from "../stdio/streams.ts";
import { serverReporter } from "./events.ts";
import type { ServerFlags } from "./flags.ts";
import { Health } from "./health.ts";
import { queueDeclaration } from "./queue_flags.ts";
import { openService } from "./service.ts";

/** How long to wait at the end for a slow reader of stdout. */
const LAST_LINES_MS = 2_000;

/**
 * Answers requests until it is stopped; returns the exit status.
 *
 * @throws {CliError} if the server can't go on.
 */
export async function runServer(
  queue: string,
  flags: ServerFlags,
): Promise<number> {
  const log = new Log(flags);
  await using health = flags.health && new Health(flags.health, log);
  await using service = await openService(flags, log);
  health?.watch(service);
  const connecting = await connectOptions(flags, `server ${queue}`, (event) => {
    health?.onConnection(event);
    reportConnection(event, flags);
  });
  await using transport = new AmqpTransport(settingsFor(flags, connecting));
  const output = new LossyOutput(writeStdout, (lines) => {
    const lost = counted(lines, "line");
    log.warn(`${lost} could not be written to stdout in time`, { lines });
  });
  const options = serveOptions(flags, service, output, health);
  const server = new RpcServer(
    transport,
    queue,
    service.procedure,
    flags.telemetry?.serving(options) ?? options,
  );
  flags.telemetry?.observe(server);
  using _signals = onStopSignal((times) => {
    if (times === 1) {
      log.warn(`stopping; ${counted(server.inFlight, "request")} in flight`);
    }
    void server.stop(times === 1 ? {} : { graceMs: 0 });
  });
  try {
    await server.finished;
    return EXIT.ok;
  } catch (error) {
    throw callError(error, { queue, timeoutMs: flags.handlerTimeout });
  } finally {
    await output.flushedWithin(LAST_LINES_MS);
  }
}

function serveOptions(
  flags: ServerFlags,
  service: Service,
  output: LossyOutput,
  health: Health | undefined,
): ServeOptions & ServeHooks {
  const reportEvent = serverReporter(flags, service, output);
  return {
    concurrency: flags.concurrency ?? service.concurrency,
    prefetch: flags.prefetch ?? undefined,
    handlerTimeoutMs: flags.handlerTimeout,
    maxBodyBytes: flags.maxBody,
    maxReplyBytes: flags.maxReply,
    maxHeaders: flags.maxHeaders,
    maxHeaderBytes: flags.maxHeaderSize,
    maxStreams: flags.maxStreams,
    maxStreamItems: flags.maxStream?.items,
    maxStreamBytes: flags.maxStream?.bytes,
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
