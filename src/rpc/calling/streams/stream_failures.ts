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
  const { code, message, reason, remote, details, maybeExecuted } = error;
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

/** One item took too long. */
export function idleTimeout(idleMs: number, items: number): RpcError {
  const last = items === 0 ? "" : ` after ${counted(items, "item")}`;
  return failed(
    "deadline_exceeded",
    `no item came within ${
      formatMs(idleMs)
    }${last}, though the server is alive`,
  );
}

/** A server that should have told that it is alive. */
export function silentServer(items: number): RpcError {
  return failed(
    "unavailable",
    `the server has told nothing for ${formatMs(SILENCE_MS)}, ` +
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

/** Items are missing. */
export function missingItems(from: number, to: number): RpcError {
  const missing = to - from === 1
    ? `item ${from} is`
    : `items from ${from} are`;
  return failed("data_loss", `${missing} missing before ${to}`);
}

/** The server does not keep to the rules. */
export function brokenStream(what: string): RpcError {
  return failed("internal", `the server broke the stream: ${what}`);
}

function failed(code: RpcError["code"], message: string): RpcError {
  return new RpcError(code, message, { maybeExecuted: true });
}
