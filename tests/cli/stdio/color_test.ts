// Colours: what the flag, the environment and the stream say about them.

import assert from "node:assert/strict";
import { test } from "../../support/needs.ts";
import { run } from "../../support/program.ts";
import { paintFor } from "../../../src/cli/stdio/color.ts";

const ESCAPE = "\x1b";

Deno.test("always and never are obeyed whatever the stream is", () => {
  for (const stream of ["stdout", "stderr"] as const) {
    assert.equal(
      paintFor(stream, "always")("red", "text"),
      "\x1b[31mtext\x1b[39m",
    );
    assert.equal(paintFor(stream, "never")("red", "text"), "text");
  }
});

/** Environment and flags of a demo whose stdout is a pipe. */
const DEMOS: [Record<string, string>, string[], boolean][] = [
  [{}, [], false],
  [{ FORCE_COLOR: "1" }, [], true],
  [{ FORCE_COLOR: "1" }, ["--color", "never"], false],
  [{ NO_COLOR: "1" }, ["--color", "always"], true],
];

for (const [env, flags, colored] of DEMOS) {
  const given = JSON.stringify(env) + flags.join(" ");
  test(`colours with ${given}: ${colored ? "some" : "none"}`, async () => {
    const { code, stdout } = await run(["demo", ...flags], { env });
    assert.equal(code, 0);
    assert.equal(stdout.includes(ESCAPE), colored);
  });
}
