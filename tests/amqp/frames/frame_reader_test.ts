// Tests of src/amqp/frames/frame_reader.ts.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  BODY_FRAME,
  FrameReader,
} from "../../../src/amqp/frames/frame_reader.ts";

const MAX_BYTES = 64;

interface Frame {
  type: number;
  channel: number;
  payload: number[];
}

function encode({ type, channel, payload }: Frame): number[] {
  const { length } = payload;
  const head = [type, channel >> 8, channel & 255, 0, 0, 0, length];
  return [...head, ...payload, 0xce];
}

/** As `collect()` has them: neighbouring body frames are one. */
function joined(frames: Frame[]): Frame[] {
  const result: Frame[] = [];
  for (const { type, channel, payload } of frames) {
    const last = result.at(-1);
    if (type === BODY_FRAME && payload.length === 0) continue;
    if (type === BODY_FRAME && last?.type === type) {
      last.payload.push(...payload);
    } else result.push({ type, channel, payload: [...payload] });
  }
  return result;
}

function collect() {
  const frames: Frame[] = [];
  const reader = new FrameReader(
    (view, type, channel, at, size) => {
      const payload = [...view.getBytes(at, at + size)];
      const last = frames.at(-1);
      // A body comes in parts, as it is read.
      if (type !== BODY_FRAME || last?.type !== type) {
        frames.push({ type, channel, payload });
      } else last.payload.push(...payload);
    },
  );
  return { frames, read: (bytes: number[]) => reader.read(Buffer.from(bytes)) };
}

const frame = fc.record({
  type: fc.integer({ min: 1, max: 8 }),
  channel: fc.integer({ min: 0, max: 65_535 }),
  payload: fc.array(fc.integer({ min: 0, max: 255 }), {
    maxLength: MAX_BYTES - 8,
  }),
}, { noNullPrototype: true });

Deno.test("frames are the same however the bytes are cut", () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 });
  fc.assert(fc.property(fc.array(frame), cuts, (sent, lengths) => {
    const { frames, read } = collect();
    const bytes = sent.flatMap(encode);
    for (let at = 0, n = 0; at < bytes.length; n++) {
      const length = lengths[n % lengths.length]!;
      read(bytes.slice(at, at + length));
      at += length;
    }
    assert.deepEqual(frames, joined(sent));
  }));
});

Deno.test("a frame of a size that nobody sends is an error", () => {
  const huge = [1, 0, 0, 0xff, 0xff, 0xff, 0xf8];
  assert.throws(() => collect().read(huge), /frame of 4294967296 bytes/);
  const { read } = collect();
  read(huge.slice(0, 5));
  assert.throws(() => read(huge.slice(5)), /that is no AMQP/);
});

Deno.test("a frame without its end octet is an error", () => {
  const bytes = encode({ type: 1, channel: 0, payload: [1, 2] });
  bytes[bytes.length - 1] = 7;
  assert.throws(() => collect().read(bytes), /ends with 7/);
});

Deno.test("headers that fill more than one read are put together", () => {
  const size = 200_000;
  const bytes = [2, 0, 1, 0, 3, 13, 64];
  for (let n = 0; n < size; n++) bytes.push(n % 256);
  bytes.push(0xce);
  const { frames, read } = collect();
  for (let at = 0; at < bytes.length; at += 65_536) {
    read(bytes.slice(at, at + 65_536));
  }
  assert.equal(frames.length, 1);
  assert.deepEqual(frames[0]!.payload, bytes.slice(7, -1));
});
