// Topic patterns: the tree against the plainest possible matcher.

import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { TopicTree } from "../../../src/broker/routing/topic.ts";

/** What the pattern means, tried out in every way. */
function matches(pattern: string[], key: string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return key.length === 0;
  if (first === "#") {
    return matches(rest, key) ||
      key.length > 0 && matches(pattern, key.slice(1));
  }
  return key.length > 0 && (first === "*" || first === key[0]) &&
    matches(rest, key.slice(1));
}

const words = (text: string) => text === "" ? [] : text.split(".");
const dotted = (...alphabet: string[]) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength: 6 }).map((all) =>
    all.join(".")
  );

function matching(tree: TopicTree<string>, key: string): string[] {
  const found = new Set<string>();
  tree.match(key, found);
  return [...found].sort();
}

Deno.test("the tree finds what matches, and only that", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(dotted("a", "b", "", "*", "#"), { maxLength: 12 }),
      dotted("a", "b", ""),
      (patterns, key) => {
        const tree = new TopicTree<string>();
        for (const pattern of patterns) tree.add(pattern, pattern);
        const expected = patterns.filter((p) => matches(words(p), words(key)));
        deepEqual(matching(tree, key), expected.sort());
        for (const pattern of patterns) tree.remove(pattern, pattern);
        deepEqual(matching(tree, key), []);
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("a value that was added twice is removed twice", () => {
  const tree = new TopicTree<string>();
  tree.add("a.#", "v");
  tree.add("a.#", "v");
  tree.remove("a.#", "v");
  deepEqual(matching(tree, "a.b"), ["v"]);
  tree.remove("a.#", "v");
  tree.remove("a.#", "v");
  deepEqual(matching(tree, "a.b"), []);
});

Deno.test("patterns full of # take no longer than others", () => {
  const tree = new TopicTree<string>();
  const pattern = Array(60).fill("#.a").join(".") + ".z";
  tree.add(pattern, "v");
  const startedAt = performance.now();
  deepEqual(matching(tree, Array(120).fill("a").join(".")), []);
  equal(performance.now() - startedAt < 1000, true);
});
