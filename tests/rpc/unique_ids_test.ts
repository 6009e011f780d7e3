// Tests of src/rpc/unique_ids.ts.

import assert from "node:assert/strict";
import { UniqueIds } from "../../src/rpc/unique_ids.ts";

const idsOf = (ids: UniqueIds, count: number) =>
  Array.from({ length: count }, () => ids.idOf(ids.next()));

Deno.test("correlation ids are short, and unique over clients", () => {
  const clients = Array.from({ length: 100 }, () => new UniqueIds());
  const ids = clients.flatMap((client) => idsOf(client, 1_000));
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[\w-]{12,15}$/);
});

Deno.test("what comes before the counter is another for each client", () => {
  const prefixes = Array.from(
    { length: 1_000 },
    () => new UniqueIds().idOf(0).slice(0, -1),
  );
  assert.equal(new Set(prefixes).size, prefixes.length);
});

Deno.test("an id tells its count", () => {
  const ids = new UniqueIds();
  for (const count of [0, 9, 10, 35, 36, 123_456_789, 2 ** 40]) {
    assert.equal(ids.countOf(ids.idOf(count)), count);
  }
});

Deno.test("what is no id of this client has no count", () => {
  const ids = new UniqueIds();
  const prefix = ids.idOf(0).slice(0, -1);
  const strange = ["", "0", prefix, `${prefix}A`, `${prefix}1-`, `${prefix}é`];
  const foreign = new UniqueIds().idOf(0);
  for (const id of [...strange, foreign]) {
    assert.equal(ids.countOf(id), NaN, id);
  }
});
