/**
 * A stream as one reply, for callers who did not ask for a stream.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { TurnBudget } from "../../async/turn_budget.ts";
import { RpcError } from "../errors.ts";
import { encodeJson, JSON_CONTENT_TYPE } from "../json.ts";
import { toBytes } from "../messages.ts";
import type { SendableReply, SendableResult } from "../wire.ts";
import type { ItemSource } from "./item_source.ts";
import { replyTooLong } from "./request_limits.ts";
import type { ReadLimits } from "./response.ts";
import { sendableValue } from "./result_values.ts";

/** Whatever else waits for the event loop waits for so many at most. */
const ITEMS_PER_TURN = 512;

/**
 * Text and bytes joined, JSON values as an array; text among JSON values is one
 * of them. Without any items it is empty.
 *
 * @throws {RpcError} `resource_exhausted` if it is larger than a reply may
 * be, `internal` for bytes among JSON values; and what the stream fails with.
 */
export async function joined(
  source: ItemSource,
  { maxReplyBytes, signal }: ReadLimits,
): Promise<SendableResult> {
  const cancel = () => source.cancel(signal.reason);
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const items: SendableReply[] = [];
    const turns = new TurnBudget(ITEMS_PER_TURN);
    let bytes = 0;
    for (let next; !(next = await source.next()).done;) {
      const turn = turns.take();
      if (turn) await turn;
      const item = asReply(sendableValue(next.value));
      bytes += item.body.length + 1;
      if (bytes > maxReplyBytes + 1) throw replyTooLong(maxReplyBytes);
      items.push(item);
    }
    return join(items);
  } catch (error) {
    source.cancel(error);
    throw error;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function asReply(value: SendableResult): SendableReply {
  if (value === undefined) return { body: "" };
  const isBody = typeof value === "string" || value instanceof Uint8Array;
  return isBody ? { body: value } : value;
}

function join(items: SendableReply[]): SendableResult {
  const [first] = items;
  if (items.some(isJson)) {
    const body = `[${items.map(jsonText).join(",")}]`;
    return { ...first, body, contentType: JSON_CONTENT_TYPE };
  }
  if (first === undefined) return undefined;
  const bodies = items.map(({ body }) => body);
  const isText = bodies.every((body) => typeof body === "string");
  const body = isText ? bodies.join("") : concatenated(bodies);
  return { ...first, body };
}

function concatenated(bodies: (string | Uint8Array)[]): Uint8Array {
  return new Uint8Array(Buffer.concat(bodies.map((body) => toBytes(body))));
}

function isJson({ contentType }: SendableReply): boolean {
  return contentType === JSON_CONTENT_TYPE;
}

function jsonText(item: SendableReply): string {
  const { body } = item;
  if (isJson(item)) {
    return typeof body === "string" ? body : new TextDecoder().decode(body);
  }
  if (typeof body === "string") return encodeJson(body);
  throw new RpcError(
    "internal",
    "the procedure gave bytes among JSON values, which no single reply can hold",
  );
}
