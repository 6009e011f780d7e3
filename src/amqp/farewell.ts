/**
 * The last words on a connection: that we agree to its end, or why we end it.
 *
 * @module
 */
import { writeMethod } from "../amqp091/arguments.ts";
import { type AmqpError, closing, REPLY_CODES } from "../amqp091/errors.ts";
import { byteString } from "../amqp091/reader.ts";
import { Writer } from "../amqp091/writer.ts";
import { waitAtMost } from "../async/delay.ts";
import type { JoinedWrites } from "./joined_writes.ts";
import type { ByteStream } from "./streams/byte_stream.ts";

/** How long last words may take, of the broker or of us. */
export const LAST_WORDS_MS = 500;

/** Agrees to the broker's close; resolves when that is written, or never will be. */
export async function agreeToClose(writes: JoinedWrites): Promise<void> {
  const { writer } = writes;
  // What else was to be written it would not read.
  writer.truncate(0);
  writeMethod(writer, 0, "connection.close-ok");
  await waitAtMost(LAST_WORDS_MS, writes.finish());
}

/**
 * Tells the broker what it did wrong; resolves when it agrees or hangs up, or
 * does neither in time. Nothing else may read the stream meanwhile.
 *
 * @param method the id of the method that was wrong; 0 for none
 */
export async function closeWithError(
  writes: JoinedWrites,
  stream: ByteStream,
  error: AmqpError,
  method: number,
): Promise<void> {
  const { writer } = writes;
  // Those who wait for what was to be written hear that the connection is lost.
  writer.truncate(0);
  // No method can be read out of a frame that is wrong itself.
  const cause = error.code === REPLY_CODES.FRAME_ERROR ? 0 : method;
  writeMethod(writer, 0, "connection.close", closing(error, cause));
  const told = writes.finish();
  await waitAtMost(LAST_WORDS_MS, Promise.all([told, agreed(stream)]));
}

/**
 * Reads up to the broker's close-ok, or to the end of the stream. Where a frame
 * was wrong, it can't be known where the next one begins. To close at once, with
 * input unread, would reset the connection, and the broker might not hear why.
 */
async function agreed(stream: ByteStream): Promise<void> {
  const bytes = new Uint8Array(4096);
  const closeOk = closeOkBytes();
  let last = "";
  while (!last.includes(closeOk)) {
    const size = await stream.read(bytes);
    if (size === null) return;
    last = last.slice(1 - closeOk.length) + byteString(bytes, 0, size);
  }
}

function closeOkBytes(): string {
  const writer = new Writer();
  writeMethod(writer, 0, "connection.close-ok");
  return byteString(writer.take());
}
