/**
 * Reports the events of a server: requests on stdout as in the tutorial, the
 * rest in the log.
 *
 * @module
 */
import type { Service } from "../../procedures/service.ts";
import type { RpcRequest } from "../../rpc/procedure.ts";
import type { ServerEvent } from "../../rpc/serving/serve_options.ts";
import { Log, type LogFields, type LogFlags, logRecord } from "../log.ts";
import type { LossyOutput } from "../stdio/lossy_output.ts";
import { oneLine } from "../printable.ts";

/** Longest line of a request, in UTF-16 units. */
const MAX_LINE = 500;

/** Prints an event: the line as text, or the message and fields as JSON. */
type Print = (line: string, message: string, fields: LogFields) => void;

/** Prints as the tutorial does; with `--quiet`, only failures. */
export function serverReporter(
  flags: LogFlags,
  service: Service,
  output: LossyOutput,
): (event: ServerEvent) => void {
  const log = new Log(flags);
  const print = printer(flags, output);
  return (event) => {
    const { type } = event;
    switch (type) {
      case "consuming": {
        const { queue } = event;
        const message = `Awaiting RPC requests on ${queue}`;
        return print(` [x] ${message}`, message, { event: type, queue });
      }
      case "request": {
        if (flags.quiet) return;
        const { request } = event;
        const line = shortLine(` [.] ${describe(request, service)}`);
        const fields = { event: type, ...requestFields(request) };
        return print(line, "request", fields);
      }
      default:
        return logEvent(log, event);
    }
  };
}

type LoggedEvent = Exclude<ServerEvent, { type: "consuming" | "request" }>;

function logEvent(log: Log, event: LoggedEvent): void {
  const { type } = event;
  switch (type) {
    case "interrupted":
      return log.warn(`${event.error.message}; consuming again soon`, {
        event: type,
        retry_in_ms: event.retryInMs,
      });
    case "answered": {
      const { request, error } = event;
      if (error === undefined) return;
      const fields = { event: type, ...requestFields(request) };
      return log.debug(`answered ${error.code}: ${error.message}`, fields);
    }
    case "consumer_timeout":
      return log.warn(event.advice, {
        event: type,
        unacked_ms: event.unackedMs,
      });
    case "draining":
    case "repeated":
      return;
    default:
      return logDrop(log, event);
  }
}

type DropEvent = Exclude<
  LoggedEvent,
  {
    type:
      | "interrupted"
      | "answered"
      | "consumer_timeout"
      | "draining"
      | "repeated";
  }
>;

function logDrop(log: Log, event: DropEvent): void {
  const { type } = event;
  switch (type) {
    case "reply_held":
      return log.debug("holding a reply until there is a connection", {
        event: type,
        correlation_id: event.correlationId,
      });
    case "reply_dropped": {
      const { correlationId, error, why } = event;
      const fields = { event: type, correlation_id: correlationId };
      if (error === undefined) {
        return log.debug(`reply dropped: ${why}`, fields);
      }
      const message = `reply and request dropped: ${why}: ${error.message}`;
      return log.warn(message, fields);
    }
    case "request_dropped":
      return log.debug(`request dropped: ${event.why}`, {
        event: type,
        ...requestFields(event.request),
      });
    case "reply_to_refused":
      return log.warn(
        `requests with reply_to ${JSON.stringify(event.replyTo)} are ` +
          `refused: ${event.why}`,
        { event: type, reply_to: event.replyTo },
      );
  }
}

function printer({ quiet, logFormat }: LogFlags, output: LossyOutput): Print {
  if (quiet) return () => {};
  return logFormat === "json"
    ? (_, message, fields) => output.add(logRecord("info", message, fields))
    : (line) => output.add(line);
}

/** What a log shows of a request: never its body. */
function requestFields(request: RpcRequest): LogFields {
  const { correlationId, messageId, type, bytes } = request;
  return {
    correlation_id: correlationId,
    message_id: messageId,
    type,
    bytes: bytes.length,
  };
}

/** Callers choose its text, so it is made safe and short. */
function shortLine(text: string): string {
  return oneLine(text.slice(0, MAX_LINE));
}

function describe(request: RpcRequest, service: Service): string {
  if (service.describe) return service.describe(request);
  const { type, correlationId, messageId, bytes } = request;
  return [type, correlationId, messageId, `${bytes.length} bytes`]
    .filter(Boolean).join(" ");
}
