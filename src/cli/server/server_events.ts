/**
 * What a server tells while it works: results on stdout as in the tutorial,
 * the rest on stderr.
 *
 * @module
 */
import type { Service } from "../../procedures/service.ts";
import type { RpcError } from "../../rpc/errors.ts";
import type { RpcRequest } from "../../rpc/messages.ts";
import type { LimitName } from "../../rpc/serving/request_limits.ts";
import type { ServerEvent } from "../../rpc/serving/serve_options.ts";
import { Log, type LogFields, type LogFlags, logRecord } from "../log.ts";
import type { LossyOutput } from "../lossy_output.ts";
import { oneLine } from "../printable.ts";

/** Of a request's line, in UTF-16 units. */
const MAX_LINE = 500;

/** Says an event: as the tutorial's line, or as an object with these fields. */
type Say = (line: string, message: string, fields: LogFields) => void;

/** Prints as the tutorial does; with --quiet only what went wrong. */
export function serverReporter(
  flags: LogFlags,
  service: Service,
  output: LossyOutput,
): (event: ServerEvent) => void {
  const log = new Log(flags);
  const say = sayer(flags, output);
  return (event) => {
    const { type } = event;
    switch (type) {
      case "consuming": {
        const { queue } = event;
        const message = `Awaiting RPC requests on ${queue}`;
        return say(` [x] ${message}`, message, { event: type, queue });
      }
      case "request": {
        if (flags.quiet) return;
        const { request } = event;
        const fields = { event: type, ...requestFields(request) };
        const line = shortLine(` [.] ${describe(request, service)}`);
        return say(line, "request", fields);
      }
      case "interrupted":
        return log.warn(`${event.error.message}; consuming again soon`, {
          event: type,
          retry_in_ms: event.retryInMs,
        });
      case "answered": {
        const { request, error } = event;
        if (error === undefined) return;
        const fields = { event: type, ...requestFields(request) };
        return log.debug(`answered ${describeError(error)}`, fields);
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
        return reportDrop(log, event);
    }
  };
}

type Drop = Extract<
  ServerEvent,
  {
    type:
      | "reply_held"
      | "reply_dropped"
      | "request_dropped"
      | "reply_to_refused";
  }
>;

function reportDrop(log: Log, event: Drop): void {
  const { type } = event;
  switch (type) {
    case "reply_held":
      return log.debug("reply held for the connection", {
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
    case "reply_to_refused": {
      const { allowable, replyTo, why } = event;
      const advice = allowable
        ? `; ${replyToFlag(replyTo)} would allow it`
        : "";
      return log.warn(
        `requests with reply_to ${JSON.stringify(replyTo)} are refused: ` +
          `${why}${advice}`,
        { event: type, reply_to: replyTo },
      );
    }
  }
}

/** A name that a shell would not take as one word is not offered. */
function replyToFlag(replyTo: string): string {
  return `--reply-to ${/^[\w.:-]+$/.test(replyTo) ? replyTo : "PATTERN"}`;
}

const LIMIT_FLAGS: Record<LimitName, string> = {
  max_body_bytes: "--max-body",
  max_headers: "--max-headers",
  max_header_bytes: "--max-header-size",
  max_reply_bytes: "--max-reply",
};

function describeError({ code, message, details }: RpcError): string {
  const flag = LIMIT_FLAGS[details.limit as LimitName];
  return `${code}: ${message}${flag ? ` (${flag})` : ""}`;
}

function sayer({ quiet, logFormat }: LogFlags, output: LossyOutput): Say {
  if (quiet) return () => {};
  return logFormat === "json"
    ? (_, message, fields) => output.add(logRecord("info", message, fields))
    : (line) => output.add(line);
}

/** What a log may tell of a request: not its body. */
function requestFields(request: RpcRequest): LogFields {
  const { correlationId, messageId, type, bytes } = request;
  return {
    correlation_id: correlationId,
    message_id: messageId,
    type,
    bytes: bytes.length,
  };
}

/** Callers choose what is in it. */
function shortLine(text: string): string {
  return oneLine(text.slice(0, MAX_LINE));
}

function describe(request: RpcRequest, service: Service): string {
  if (service.describe) return service.describe(request);
  const { type, correlationId, messageId, bytes } = request;
  return [type, correlationId, messageId, `${bytes.length} bytes`]
    .filter(Boolean).join(" ");
}
