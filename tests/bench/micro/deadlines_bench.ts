// A deadline comes and goes while others are watched.

import { Deadlines, type Expiring } from "../../../src/async/deadlines.ts";

const dueMs = performance.now() + 3_600_000;

for (const watched of [1, 1_000, 100_000]) {
  const items = new Set<Expiring>();
  const deadlines = new Deadlines(items, (item) => items.delete(item));
  for (let n = 0; n < watched; n++) items.add({ dueMs });
  const name = `watch, ${watched.toLocaleString("en-US")} watched`;
  Deno.bench(name, { group: "deadlines" }, () => {
    deadlines.watch({ dueMs });
  });
}
