// Text of strangers, as it is shown.

import assert from "node:assert/strict";
import { jsonLine, oneLine } from "../../src/cli/printable.ts";

/** Colours, C1 controls, bidirectional and invisible characters, line ends. */
const EVIL =
  "a\x1b[31m\x7f\x9b2J\u202e\u2066\u200b\ufeff\u00ad\u2028\u2029\u{e0041}b";
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

Deno.test("a line has nothing that can't be seen", () => {
  assert.doesNotMatch(oneLine(EVIL), UNSEEN);
  assert.equal(oneLine("x\u202ey\u{e0041}"), "x\\u202ey\\udb40\\udc41");
  assert.equal(oneLine("a\r\n\tb"), "a b");
  assert.equal(oneLine("naïve, 日本, 👍"), "naïve, 日本, 👍");
});

Deno.test("JSON has nothing that can't be seen, and its value", () => {
  const value = { [EVIL]: [EVIL, 1, null] };
  const line = jsonLine(value);
  assert.doesNotMatch(line, UNSEEN);
  assert.deepEqual(JSON.parse(line), value);
});
