/**
 * Logs what happens to the connection.
 *
 * @module
 */
import type { ConnectionEvent } from "../../rpc/transport.ts";
import { formatMs } from "../../rpc/texts.ts";
import { Log, type LogFlags } from "../log.ts";

/** Warns of trouble; with `--verbose`, logs the other events too. */
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
      const message = `${event.error.message}; ` +
        `trying again in ${formatMs(event.retryInMs)}`;
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
      return log.debug(`${event.broker} accepted the renewed password`, fields);
    case "unblocked":
      return log.warn("the broker accepts messages again", fields);
  }
}
