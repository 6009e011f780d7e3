/**
 * The sentences in which a stream fails on its way.
 *
 * @module
 */
import { RpcError } from "../../errors.ts";
import { SILENCE_MS } from "../../stream_wire.ts";
import { counted, formatMs } from "../../texts.ts";

/** The same failure, with how many items came before it. */
export function afterItems(error: RpcError, items: number): RpcError {
  const { code, reason, remote, details, maybeExecuted } = error;
  const isCut = reason === "connection_lost" && items > 0;
  const message = isCut
    ? `the connection to the broker was lost after ${counted(items, "item")}`
    : error.message;
  return new RpcError(code, message, {
    ...(reason && { reason }),
    remote,
    maybeExecuted: maybeExecuted || items > 0,
    details: { ...details, items },
    cause: error,
  });
}

/** The stream as a whole took too long. */
export function streamTimeout(timeoutMs: number, items: number): RpcError {
  return failed(
    "deadline_exceeded",
    `the stream did not end within ${formatMs(timeoutMs)}: ` +
      `${counted(items, "item")} came`,
  );
}

/** One item took too long; the server may have told that it is alive. */
export function idleTimeout(
  idleMs: number,
  items: number,
  isAlive: boolean,
): RpcError {
  const last = items === 0 ? "" : ` after ${counted(items, "item")}`;
  const alive = isAlive ? ", though the server is alive" : "";
  return failed(
    "deadline_exceeded",
    `no item came within ${formatMs(idleMs)}${last}${alive}`,
  );
}

/** A server that should have told that it is alive. */
export function silentServer(items: number): RpcError {
  return failed(
    "unavailable",
    `the server has been silent for ${formatMs(SILENCE_MS)}, ` +
      `after ${counted(items, "item")}: it is gone, or can't be reached`,
  );
}

/** Another server began from the start. */
export function ranAgain(items: number): RpcError {
  return failed(
    "aborted",
    `the server was lost after ${counted(items, "item")}, and another began ` +
      "from the start",
  );
}

/** Another server began from the start, and gave something else. */
export function ranOtherwise(items: number): RpcError {
  return failed(
    "aborted",
    `the server was lost after ${counted(items, "item")}, and the procedure ` +
      "gave others when it was run again",
  );
}

/** Another run came without its beginning, so that it can't be compared. */
export function ranInParts(items: number): RpcError {
  return failed(
    "aborted",
    `the server was lost after ${counted(items, "item")}, and when the ` +
      "procedure was run again, not all items came",
  );
}

/** Items are missing, from one number to before another. */
export function missingItems(from: number, to: number): RpcError {
  const last = to - 1;
  const missing = from === last
    ? `item ${from} is missing`
    : `items ${from} to ${last} are missing`;
  return failed("data_loss", missing);
}

/** The server does not keep to the rules. */
export function brokenStream(what: string): RpcError {
  return failed("data_loss", `the server broke the stream: ${what}`);
}

function failed(code: RpcError["code"], message: string): RpcError {
  return new RpcError(code, message, { maybeExecuted: true });
}
