// Tests of src/rpc/calling/correlation_ids.ts.

import assert from "node:assert/strict";
import { CorrelationIds } from "../../../src/rpc/calling/correlation_ids.ts";

Deno.test("correlation ids are short, and unique over clients", () => {
  const clients = Array.from({ length: 100 }, () => new CorrelationIds());
  const ids = clients.flatMap((client) =>
    Array.from({ length: 1_000 }, () => client.next())
  );
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[\w-]{12,15}$/);
});

Deno.test("what comes before the counter is another for each client", () => {
  const prefixes = Array.from(
    { length: 1_000 },
    () => new CorrelationIds().next().slice(0, 11),
  );
  assert.equal(new Set(prefixes).size, prefixes.length);
});
