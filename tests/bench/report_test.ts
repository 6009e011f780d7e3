// What the suite makes of its figures.

import assert from "node:assert/strict";
import { cpuMs, peakMiB } from "./processes.ts";
import { markdown } from "./report.ts";
import { median, medians } from "./stats.ts";

Deno.test("a median is the middle, each figure's by itself", () => {
  assert.equal(median([3, 1, 20]), 3);
  assert.equal(median([4, 1, 3, 20]), 3.5);
  assert.throws(() => median([]), RangeError);
  const rounds = [{ a: 1, b: 9 }, { a: 2, b: 7 }, { a: 3, b: 8 }];
  assert.deepEqual(medians(rounds), { a: 2, b: 8 });
});

Deno.test("processor time and memory are read as Linux writes them", () => {
  const fields = "S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 12 0 99";
  assert.equal(cpuMs(`42 (a (strange) name) ${fields}\n`), 3000);
  assert.equal(peakMiB("VmPeak:\t 9999 kB\nVmHWM:\t  20480 kB\n"), 20);
  assert.throws(() => peakMiB("Name: kthreadd\n"), /no VmHWM/);
});

Deno.test("a table in Markdown: figures right, with their digits, gaps shown", () => {
  const table = {
    title: "Title",
    note: "A note.",
    columns: [
      { key: "name", title: "who" },
      { key: "rate", title: "calls/s" },
      { key: "ms", title: "ms", digits: 2 },
    ],
    rows: [{ name: "us", rate: 12345.6, ms: 0.5 }, { name: "them", rate: 7 }],
  };
  assert.equal(
    markdown(table),
    `**Title**

A note.

| who  | calls/s |   ms |
| ---- | ------: | ---: |
| us   |  12,346 | 0.50 |
| them |       7 |    – |`,
  );
});
