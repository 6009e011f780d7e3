/**
 * Writes basic.publish, with its message, straight into the joined writes.
 *
 * @module
 */
import { toBytes } from "../../rpc/procedure.ts";
import { isBytes } from "../../rpc/kinds.ts";
import type { MessageHeaders, MessageProperties } from "../../rpc/transport.ts";
import {
  BODY_FRAME,
  FRAME_END,
  FRAME_HEADER_BYTES,
  FRAME_OVERHEAD_BYTES,
} from "./frame_reader.ts";
import type { MessageView } from "./view.ts";
import type { JoinedWrites } from "./writes.ts";

const METHOD_FRAME = 1;
const HEADER_FRAME = 2;
const BASIC_CLASS = 60;
const BASIC_PUBLISH = 40;
/** Two names, nine properties of as many bytes, and what is around them. */
const STRINGS_BYTES = 3 * 1024;
const SHORT_STRING_BYTES = 256;
/** Of a field: its type, and a number or a length. */
const FIELD_BYTES = 9;
const UTF8_BYTES_PER_UNIT = 3;

/** Where a message goes. */
export interface Target {
  readonly channel: number;
  readonly exchange: string;
  readonly routingKey: string;
  /** Whether it comes back where no queue takes it. */
  readonly mandatory: boolean;
}

/**
 * Adds a message to what is written at the end of this turn.
 *
 * @throws {Error} where it can't be encoded; nothing is written then.
 */
export function writeMessage(
  writes: JoinedWrites,
  frameMax: number,
  target: Target,
  data: Uint8Array,
  properties: MessageProperties,
): void {
  const { channel } = target;
  // Whatever plain JavaScript publishes over a transport: no body is cut short.
  const body = toBytes(data);
  const start = writes.reserve(
    STRINGS_BYTES + tableBytes(properties.headers) +
      framedBytes(body.length, frameMax),
  );
  const { view } = writes;
  let at = start + FRAME_HEADER_BYTES;
  at = endFrame(
    view,
    METHOD_FRAME,
    channel,
    start,
    setPublish(view, at, target),
  );
  const headerAt = at;
  at = setContentHeader(
    view,
    at + FRAME_HEADER_BYTES,
    body.length,
    properties,
  );
  if (at - headerAt + 1 > frameMax) {
    throw new RangeError(
      `its headers take ${at - headerAt} bytes, and a frame holds ${frameMax}`,
    );
  }
  at = endFrame(view, HEADER_FRAME, channel, headerAt, at);
  const most = frameMax - FRAME_OVERHEAD_BYTES;
  for (let from = 0; from < body.length; from += most) {
    const part = from === 0 && body.length <= most
      ? body
      : body.subarray(from, from + most);
    view.setBytes(at + FRAME_HEADER_BYTES, part);
    const end = at + FRAME_HEADER_BYTES + part.length;
    at = endFrame(view, BODY_FRAME, channel, at, end);
  }
  writes.commit(at);
}

function setPublish(view: MessageView, at: number, target: Target): number {
  view.setUint16(at, BASIC_CLASS);
  view.setUint16(at + 2, BASIC_PUBLISH);
  view.setUint16(at + 4, 0);
  at += 6;
  at += view.setShortString(at, target.exchange);
  at += view.setShortString(at, target.routingKey);
  view.setUint8(at, target.mandatory ? 1 : 0);
  return at + 1;
}

function setContentHeader(
  view: MessageView,
  at: number,
  bodySize: number,
  properties: MessageProperties,
): number {
  view.setUint16(at, BASIC_CLASS);
  view.setUint16(at + 2, 0);
  view.setUint32(at + 4, 0);
  view.setUint32(at + 8, bodySize);
  return at + 12 + view.setProperties(at + 12, properties);
}

/** Puts a frame around a payload that ends at `end`; returns what follows. */
function endFrame(
  view: MessageView,
  type: number,
  channel: number,
  start: number,
  end: number,
): number {
  view.setUint8(start, type);
  view.setUint16(start + 1, channel);
  view.setUint32(start + 3, end - start - FRAME_HEADER_BYTES);
  view.setUint8(end, FRAME_END);
  return end + 1;
}

function framedBytes(bodySize: number, frameMax: number): number {
  const frames = Math.ceil(bodySize / (frameMax - FRAME_OVERHEAD_BYTES));
  return bodySize + frames * FRAME_OVERHEAD_BYTES;
}

/** No less than the table takes; what can't be encoded counts for nothing. */
function tableBytes(table: MessageHeaders | undefined): number {
  let bytes = FIELD_BYTES;
  for (const name in table) {
    bytes += SHORT_STRING_BYTES + fieldBytes(table[name]);
  }
  return bytes;
}

function fieldBytes(value: unknown): number {
  if (typeof value === "string") {
    return FIELD_BYTES + UTF8_BYTES_PER_UNIT * value.length;
  }
  if (typeof value !== "object" || value === null) return FIELD_BYTES;
  if (isBytes(value)) return FIELD_BYTES + value.byteLength;
  if (!Array.isArray(value)) {
    return FIELD_BYTES + tableBytes(value as MessageHeaders);
  }
  return value.reduce<number>(
    (bytes, element) => bytes + fieldBytes(element),
    FIELD_BYTES,
  );
}
