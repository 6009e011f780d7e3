/**
 * Strings in messages. AMQP says that they are UTF-8, but RabbitMQ passes on
 * any bytes, and what a server copies from a request to its reply must not
 * change. So each byte that is not UTF-8 is decoded as a lone surrogate from
 * U+DC80 to U+DCFF, which valid UTF-8 never contains (as in Python, PEP 383).
 *
 * @module
 */
import { Buffer, isUtf8 } from "node:buffer";

/** Added to a byte from 0x80 to 0xff. */
const LONE = 0xdc00;
/** With `u`, it does not match the second half of a surrogate pair. */
const LONE_SURROGATES = /([\udc80-\udcff])/u;
const REPLACEMENT = "\ufffd";

/** Decodes the bytes from `from` to `to`, without losing any. */
export function textOf(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString("utf8", from, to);
  // Fast: V8 knows that a Latin-1 string can't contain it.
  return text.includes(REPLACEMENT) ? decodeAnyBytes(bytes, from, to) : text;
}

/** Decodes a byte string, without losing any byte. */
export function textOfBytes(byteString: string): string {
  const bytes = Buffer.from(byteString, "latin1");
  return textOf(bytes, 0, bytes.length);
}

/** Encodes a text; lone surrogates become the bytes they stand for. */
export function bytesOfText(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text);
  return Buffer.concat(
    text.split(LONE_SURROGATES).map((part, index) =>
      index % 2 === 0 ? Buffer.from(part) : Buffer.of(part.charCodeAt(0) - LONE)
    ),
  );
}

function decodeAnyBytes(bytes: Buffer, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to;) {
    const end = at + sequenceLength(bytes[at]!);
    if (end <= to && isUtf8(bytes.subarray(at, end))) {
      text += bytes.toString("utf8", at, end);
      at = end;
    } else text += String.fromCharCode(LONE + bytes[at++]!);
  }
  return text;
}

/** The length of a UTF-8 sequence that begins with this byte. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}
