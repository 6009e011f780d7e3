// Requests that are refused before any procedure sees them.

import assert from "node:assert/strict";
import { refusal } from "../../src/rpc/admission.ts";
import { requestOf } from "./requests.ts";

/** Delivered again so often, as a quorum queue counts. */
function delivered(times: number) {
  return requestOf({ headers: { "x-delivery-count": times } });
}

Deno.test("a request that is new, or not counted, is run", () => {
  assert.equal(refusal(requestOf({}), 0), undefined);
  assert.equal(refusal(requestOf({ redelivered: true }), 0), undefined);
});

Deno.test("a request is run again as often as allowed, and then aborted", () => {
  assert.equal(refusal(delivered(3), 3), undefined);
  const refused = refusal(delivered(4), 3);
  assert.ok(refused && "error" in refused);
  assert.equal(refused.error.code, "aborted");
  assert.match(refused.error.message, /delivered 4 times/);
});

Deno.test("a request that would answer itself is dropped", () => {
  const refused = refusal(requestOf({ replyTo: "q" }), 5);
  assert.ok(refused && "drop" in refused);
  assert.equal(refusal(requestOf({ replyTo: "other" }), 5), undefined);
});
