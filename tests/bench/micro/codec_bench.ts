// Messages of the wire format.

import { RpcReply } from "../../../src/rpc/wire.ts";
import {
  decodeReply,
  decodeRequest,
  encodeReply,
  requestProperties,
} from "../../../src/rpc/wire.ts";

const nowMs = Date.now();
const correlationId = crypto.randomUUID();
const replyTo = "amq.gen-x";
const body = new TextEncoder().encode("30");
const fields = { correlationId, replyTo, deadlineMs: nowMs + 30_000 };
const delivered = { body, deliveryTag: 1, redelivered: false };
const request = { ...delivered, properties: requestProperties(fields, nowMs) };
const decoded = decodeRequest(request, "q", nowMs);
const reply = { ...delivered, properties: { correlationId } };

Deno.bench("encode a request", { group: "codec" }, () => {
  requestProperties(fields, nowMs);
});

Deno.bench("decode a request", { group: "codec" }, () => {
  decodeRequest(request, "q", nowMs);
});

Deno.bench("encode a reply", { group: "codec" }, () => {
  encodeReply(decoded, body);
});

Deno.bench("decode a reply", { group: "codec" }, () => {
  if (!(decodeReply(reply) instanceof RpcReply)) throw new Error("an error");
});
