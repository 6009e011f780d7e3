/**
 * Reports the events of a server: requests on stdout as in the tutorial, the
 * rest in the log.
 *
 * @module
 */
import type { Service } from "../../procedures/service.ts";
import type { RpcError } from "../../rpc/errors.ts";
import type { RpcRequest } from "../../rpc/messages.ts";
import type { LimitName } from "../../rpc/serving/request_limits.ts";
import type { ServerEvent } from "../../rpc/serving/server_events.ts";
import type { StreamLimitName } from "../../rpc/serving/streams/stream_limits.ts";
import { counted } from "../../rpc/texts.ts";
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
      default: {
        const logger = LOGGERS[type] as Logger<ServerEvent["type"]>;
        return logger(log, event, { event: type });
      }
    }
  };
}

type EventOf<T> = Extract<ServerEvent, { type: T }>;

/** Logs one type of event; the fields have its type. */
type Logger<T> = (log: Log, event: EventOf<T>, fields: LogFields) => void;

/** How to log each event that is not printed. */
const LOGGERS: {
  [T in Exclude<ServerEvent["type"], "consuming" | "request">]: Logger<T>;
} = {
  interrupted(log, { error, retryInMs }, fields) {
    const message = `${error.message}; consuming again soon`;
    log.warn(message, { ...fields, retry_in_ms: retryInMs });
  },
  answered(log, { request, error, items }, fields) {
    if (error === undefined && items === undefined) return;
    const what = [
      ...(items === undefined ? [] : [counted(items, "item")]),
      ...(error === undefined ? [] : [describeError(error)]),
    ];
    const all = { ...fields, ...requestFields(request), items };
    log.debug(`answered ${what.join(", then ")}`, all);
  },
  consumer_timeout(log, { advice, unackedMs }, fields) {
    log.warn(advice, { ...fields, unacked_ms: unackedMs });
  },
  reply_held(log, { correlationId }, fields) {
    const message = "holding a reply until there is a connection";
    log.debug(message, { ...fields, correlation_id: correlationId });
  },
  reply_dropped(log, { correlationId, error, why }, fields) {
    const all = { ...fields, correlation_id: correlationId };
    if (error === undefined) return log.debug(`reply dropped: ${why}`, all);
    log.warn(`reply and request dropped: ${why}: ${error.message}`, all);
  },
  request_dropped(log, { request, why }, fields) {
    const message = `request dropped: ${why}`;
    log.debug(message, { ...fields, ...requestFields(request) });
  },
  reply_to_refused(log, { replyTo, why, allowable }, fields) {
    const advice = allowable ? `; ${replyToFlag(replyTo)} would allow it` : "";
    const message = `requests with reply_to ${JSON.stringify(replyTo)} are ` +
      `refused: ${why}${advice}`;
    log.warn(message, { ...fields, reply_to: replyTo });
  },
  draining() {},
  repeated() {},
};

/** A name that a shell would not take as one word is not suggested. */
function replyToFlag(replyTo: string): string {
  return `--reply-to ${/^[\w.:-]+$/.test(replyTo) ? replyTo : "PATTERN"}`;
}

const LIMIT_FLAGS: Record<LimitName | StreamLimitName, string> = {
  max_body_bytes: "--max-body",
  max_headers: "--max-headers",
  max_header_bytes: "--max-header-size",
  max_reply_bytes: "--max-reply",
  max_stream_items: "--max-stream",
  max_stream_bytes: "--max-stream",
  max_streams: "--max-streams",
};

/** An error, and the flag that sets the limit that was exceeded, if any. */
function describeError({ code, message, details }: RpcError): string {
  const flag = LIMIT_FLAGS[details.limit as keyof typeof LIMIT_FLAGS];
  return `${code}: ${message}${flag ? ` (${flag})` : ""}`;
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
