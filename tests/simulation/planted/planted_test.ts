// The simulation finds what it has to find.

import assert from "node:assert/strict";
import { PLANTED_BUGS } from "./bugs.ts";
import { lookFor } from "./plant.ts";

const SEED = 1;
const HISTORIES = 2_000;

for (const bug of PLANTED_BUGS) {
  Deno.test(`the simulation finds a server or client that ${bug.name}`, async () => {
    const verdict = await lookFor(bug, { seed: SEED, histories: HISTORIES });
    assert.ok(verdict.isFound, verdict.output);
  });
}
