// Tests of src/rpc/admission.ts.

import assert from "node:assert/strict";
import { refusal } from "../../src/rpc/admission.ts";
import type { MessageProperties } from "../../src/rpc/transport.ts";
import { decodeRequest } from "../../src/rpc/wire.ts";

function refused(properties: MessageProperties, maxDeliveries = 5) {
  const delivery = {
    properties,
    body: new Uint8Array(0),
    deliveryTag: 1,
    redelivered: true,
  };
  return refusal(decodeRequest(delivery, "q", Date.now()), maxDeliveries);
}

Deno.test("plain requests are run", () => {
  assert.equal(refused({}), undefined);
  assert.equal(refused({ replyTo: "cb" }), undefined);
});

Deno.test("a reply may not become a request", () => {
  const refusal = refused({ replyTo: "q" });
  assert.ok(refusal && "drop" in refusal);
  assert.match(refusal.drop, /reply_to/);
});

Deno.test("a request delivered too often is answered with aborted", () => {
  const delivered = (count: number) =>
    refused({ headers: { "x-delivery-count": count } });
  assert.equal(delivered(5), undefined);
  const refusal = delivered(6);
  assert.ok(refusal && "error" in refusal);
  assert.equal(refusal.error.code, "aborted");
  assert.match(refusal.error.message, /delivered 6 times/);
});
