// Tests of src/rpc/calling/correlation_ids.ts.

import assert from "node:assert/strict";
import { CorrelationIds } from "../../../src/rpc/calling/correlation_ids.ts";

const idsOf = (ids: CorrelationIds, count: number) =>
  Array.from({ length: count }, () => ids.idOf(ids.next()));

Deno.test("correlation ids are short, and unique over clients", () => {
  const clients = Array.from({ length: 100 }, () => new CorrelationIds());
  const ids = clients.flatMap((client) => idsOf(client, 1_000));
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[\w-]{12,15}$/);
});

Deno.test("what comes before the counter is another for each client", () => {
  const prefixes = Array.from(
    { length: 1_000 },
    () => new CorrelationIds().idOf(0).slice(0, -1),
  );
  assert.equal(new Set(prefixes).size, prefixes.length);
});

Deno.test("an id tells its count", () => {
  const ids = new CorrelationIds();
  for (const count of [0, 9, 10, 35, 36, 123_456_789, 2 ** 40]) {
    assert.equal(ids.countOf(ids.idOf(count)), count);
  }
});

Deno.test("what is no id of this client has no count", () => {
  const ids = new CorrelationIds();
  const prefix = ids.idOf(0).slice(0, -1);
  const strange = ["", "0", prefix, `${prefix}A`, `${prefix}1-`, `${prefix}é`];
  const foreign = new CorrelationIds().idOf(0);
  for (const id of [...strange, foreign]) {
    assert.equal(ids.countOf(id), NaN, id);
  }
});
