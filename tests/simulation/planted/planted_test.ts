// The simulation finds what it has to find.

import assert from "node:assert/strict";
import { testNeeding } from "../../support/needs.ts";
import { PLANTED_BUGS } from "./bugs.ts";
import { PLANTED_STREAM_BUGS } from "./stream_bugs.ts";
import { lookFor, planted } from "./plant.ts";

const BUGS = [...PLANTED_BUGS, ...PLANTED_STREAM_BUGS];
const SEED = 1;
const HISTORIES = 2_000;

// Quick, so that whoever changes the source sees it at once.
Deno.test("each bug can still be planted", () => {
  for (const bug of BUGS) planted(bug);
});

for (const [index, bug] of BUGS.entries()) {
  // One shows that the others can be found.
  const slow = index > 0;
  const name = `the simulation finds a product that ${bug.name}`;
  testNeeding(name, { needs: [], slow }, async () => {
    const verdict = await lookFor(bug, { seed: SEED, histories: HISTORIES });
    assert.ok(verdict.isFound, verdict.output);
  });
}
