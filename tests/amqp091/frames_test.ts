// Taking frames out of a stream, however it is cut.

import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { FrameBuffer } from "../../src/amqp091/frames.ts";
import { Writer } from "../../src/amqp091/writer.ts";
import { byteString } from "../../src/amqp091/reader.ts";

/** Feeds bytes in pieces of these sizes; returns the frames' payloads. */
function feed(
  buffer: FrameBuffer,
  bytes: Uint8Array,
  sizes: number[],
): string[] {
  const seen = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const space = buffer.space();
    const size = Math.min(
      sizes[i % sizes.length],
      space.length,
      bytes.length - at,
    );
    space.set(bytes.subarray(at, at + size));
    buffer.filled(size);
    at += size;
    while (buffer.next()) {
      const payload = byteString(buffer.bytes, buffer.start, buffer.end);
      seen.push(`${buffer.type} ${buffer.channel} ${payload}`);
    }
  }
  return seen;
}

Deno.test("frames come out whole however the stream is cut", () => {
  const frame = fc.tuple(
    fc.nat(0xffff),
    fc.string({ unit: "binary-ascii", maxLength: 255 }),
  );
  fc.assert(fc.property(
    fc.array(frame, { maxLength: 20 }),
    fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1 }),
    (frames, sizes) => {
      const out = new Writer();
      for (const [channel, text] of frames) {
        out.method(channel, 7).shortstr(text).end();
      }
      const expected = frames.map(([channel, text]) =>
        `1 ${channel} \0\0\0\x07${String.fromCharCode(text.length)}${text}`
      );
      deepEqual(feed(new FrameBuffer(), out.take(), sizes), expected);
    },
  ));
});

Deno.test("a frame of the largest size fits, one more octet does not", () => {
  const frame = (size: number) => {
    const bytes = new Uint8Array(size + 8);
    new DataView(bytes.buffer).setUint32(3, size);
    bytes[0] = 1;
    bytes[bytes.length - 1] = 0xce;
    return bytes;
  };
  for (const frameMax of [4096, 131_072]) {
    const buffer = new FrameBuffer();
    buffer.frameMax = frameMax;
    equal(feed(buffer, frame(frameMax), [70_000]).length, 1);
    throws(
      () => feed(buffer, frame(frameMax + 1), [70_000]),
      /frame_too_large/,
    );
  }
});

Deno.test("a frame of a size that nobody sends is an error", () => {
  const huge = Uint8Array.of(1, 0, 0, 0xff, 0xff, 0xff, 0xf8);
  for (const frameMax of [4096, 16 * 1024 * 1024]) {
    for (const sizes of [[100], [5, 2], [1]]) {
      const buffer = new FrameBuffer();
      buffer.frameMax = frameMax;
      throws(() => feed(buffer, huge, sizes), /frame_too_large,4294967288/);
      equal(buffer.bytes.length, 4104);
    }
  }
});

Deno.test("a frame that fills more than one read is put together", () => {
  const buffer = new FrameBuffer();
  buffer.frameMax = 16 * 1024 * 1024;
  const out = new Writer();
  const headers = "\0\xff".repeat(100_000);
  out.method(1, 7).longstr(headers).end();
  const [payload] = feed(buffer, out.take(), [65_536]);
  equal(payload, `1 1 \0\0\0\x07\x00\x03\x0d\x40${headers}`);
});

Deno.test("a frame has to end as frames do", () => {
  const bytes = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0);
  throws(
    () => feed(new FrameBuffer(), bytes, [100]),
    /invalid_frame_end_marker,0/,
  );
});

Deno.test("an idle connection takes little memory", () => {
  const buffer = new FrameBuffer();
  const heartbeat = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0xce);
  for (let i = 0; i < 2000; i++) feed(buffer, heartbeat, [8]);
  equal(buffer.bytes.length, 4104);
});
