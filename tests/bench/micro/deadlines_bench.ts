// A deadline comes and goes while others are watched.

import { Deadlines } from "../../../src/rpc/deadlines.ts";

const deadlineMs = Date.now() + 3_600_000;

for (const watched of [1, 1_000, 100_000]) {
  const deadlines = new Deadlines(() => {});
  for (let n = 0; n < watched; n++) deadlines.add({ deadlineMs });
  const name = `add and delete, ${watched.toLocaleString("en-US")} watched`;
  Deno.bench(name, { group: "deadlines" }, () => {
    const item = { deadlineMs };
    deadlines.add(item);
    deadlines.delete(item);
  });
}
