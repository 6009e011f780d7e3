/**
 * What becomes of the connection, on stderr.
 *
 * @module
 */
import type { ConnectionEvent } from "../rpc/transport.ts";
import { formatMs } from "../rpc/texts.ts";
import { Log, type LogFlags } from "./log.ts";

/** Tells what a person who watches should know; the rest with --verbose. */
export function reportConnection(
  event: ConnectionEvent,
  flags: LogFlags,
): void {
  const log = new Log(flags);
  const fields = { event: event.type };
  switch (event.type) {
    case "connected":
      return log.debug(`connected to ${event.broker}`, fields);
    case "unreachable": {
      const soon = formatMs(event.retryInMs);
      const message = `${event.error.message}; trying again in ${soon}`;
      return log.warn(message, { ...fields, retry_in_ms: event.retryInMs });
    }
    case "lost":
      return log.warn(
        `lost the connection to ${event.broker}: ${event.error.message}`,
        fields,
      );
    case "blocked":
      return log.warn(
        `the broker accepts no messages: ${event.reason}`,
        fields,
      );
    case "secret_updated":
      return log.debug(`${event.broker} took the renewed password`, fields);
    case "unblocked":
      return log.warn("the broker accepts messages again", fields);
  }
}
