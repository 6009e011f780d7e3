// Messages of the wire format.

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
const fields = { correlationId, replyTo, leftMs: 30_000 };
const delivered = { body, deliveryTag: 1, redelivered: false };
const request = { ...delivered, properties: requestProperties(fields, nowMs) };
const decoded = decodeRequest(request, "q", nowMs);
const reply = { ...delivered, properties: { correlationId } };

/** What nobody can see need not be made, and would cost nothing. */
export let made: unknown;

Deno.bench("encode a request", { group: "codec" }, () => {
  made = requestProperties(fields, nowMs);
});

Deno.bench("decode a request", { group: "codec" }, () => {
  made = decodeRequest(request, "q", nowMs);
});

Deno.bench("encode a reply", { group: "codec" }, () => {
  made = encodeReply(decoded, body);
});

Deno.bench("decode a reply", { group: "codec" }, () => {
  made = decodeReply(reply);
});
