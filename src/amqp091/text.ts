/**
 * Strings of messages. AMQP says that they are UTF-8, and RabbitMQ hands on
 * whatever bytes they are: what is copied from a request to its reply has to
 * come out as it came in. So a byte that is not UTF-8 becomes a lone surrogate
 * from U+DC80 to U+DCFF, as in Python (PEP 383), which no UTF-8 ever becomes.
 *
 * @module
 */
import { Buffer, isUtf8 } from "node:buffer";

/** What a byte from 0x80 to 0xff is added to. */
const LONE = 0xdc00;
/** The `u` keeps it from matching the second half of a pair. */
const LONE_SURROGATES = /([\udc80-\udcff])/u;
const REPLACEMENT = "\ufffd";

/** The bytes from `from` to `to` as text, none of them lost. */
export function textOf(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString("utf8", from, to);
  // Hardly ever: V8 sees at once that Latin-1 text has none.
  return text.includes(REPLACEMENT) ? decodeAnyBytes(bytes, from, to) : text;
}

/** The text of a byte string, none of its bytes lost. */
export function textOfBytes(byteString: string): string {
  const bytes = Buffer.from(byteString, "latin1");
  return textOf(bytes, 0, bytes.length);
}

/** The bytes of a text, which may be none of those that are UTF-8. */
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

/** How long a sequence of UTF-8 is that begins with this byte, if one does. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}
