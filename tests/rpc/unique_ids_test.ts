// Tests of src/rpc/unique_ids.ts.

import assert from "node:assert/strict";
import { UniqueIds } from "../../src/rpc/unique_ids.ts";

Deno.test("correlation ids are short, and unique over clients", () => {
  const clients = Array.from({ length: 100 }, () => new UniqueIds());
  const ids = clients.flatMap((client) =>
    Array.from({ length: 1_000 }, () => client.next())
  );
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[\w-]{12,15}$/);
});

Deno.test("what comes before the counter is another for each client", () => {
  const prefixes = Array.from(
    { length: 1_000 },
    () => new UniqueIds().next().slice(0, 11),
  );
  assert.equal(new Set(prefixes).size, prefixes.length);
});
