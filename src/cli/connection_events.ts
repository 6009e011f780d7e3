/**
 * What becomes of the connection, on stderr.
 *
 * @module
 */
import type { ConnectionEvent } from "../rpc/transport.ts";
import { formatMs } from "../rpc/limits.ts";
import { report } from "./output.ts";

/** Tells what a person who watches should know; the rest with --verbose. */
export function reportConnection(
  event: ConnectionEvent,
  flags: { verbose?: boolean },
): void {
  switch (event.type) {
    case "connected":
      if (flags.verbose) report(`connected to ${event.broker}`);
      return;
    case "unreachable": {
      const soon = formatMs(event.retryInMs);
      return report(`${event.error.message}; trying again in ${soon}`);
    }
    case "lost":
      return report(
        `lost the connection to ${event.broker}: ${event.error.message}`,
      );
    case "blocked":
      return report(`the broker accepts no messages: ${event.reason}`);
    case "unblocked":
      return report("the broker accepts messages again");
  }
}
