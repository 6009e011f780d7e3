// Tests of src/rpc/serving/patterns.ts.

import assert from "node:assert/strict";
import { matchesPattern } from "../../../src/rpc/serving/patterns.ts";

const CASES: [pattern: string, matching: string[], others: string[]][] = [
  ["replies", ["replies"], ["replies2", "a-replies", "", "Replies"]],
  ["rpc.reply*", ["rpc.reply", "rpc.reply-1"], ["rpc-reply", "xrpc.reply"]],
  ["*.replies", [".replies", "a.replies"], ["areplies", "a.replies.b"]],
  ["a*b*c", ["abc", "a-b-c", "abbcc"], ["acb", "ab", "ac"]],
  ["aba*aba", ["abaaba", "aba-aba"], ["aba", "ababa"]],
  ["*a*", ["a", "bab"], ["", "b"]],
  ["**", ["", "x"], []],
  ["a.c[d]?", ["a.c[d]?"], ["abc[d]?", "a.cd"]],
];

for (const [pattern, matching, others] of CASES) {
  Deno.test(`the pattern ${pattern}`, () => {
    const matches = (name: string) => matchesPattern(pattern, name);
    assert.deepEqual(matching.filter(matches), matching);
    assert.deepEqual(others.filter(matches), []);
  });
}
