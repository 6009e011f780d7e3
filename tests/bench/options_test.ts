// The command line of the suite.

import assert from "node:assert/strict";
import { type BenchOptions, parseOptions, SECTIONS } from "./options.ts";

function parse(...args: string[]): BenchOptions {
  const options = parseOptions(args);
  assert.ok(options);
  return options;
}

Deno.test("everything is measured unless something is asked for", () => {
  const { only, brokers, amounts } = parse();
  assert.deepEqual(only, [...SECTIONS]);
  assert.deepEqual(brokers, ["rabbitmq", "own"]);
  assert.deepEqual(amounts.concurrency, [1, 64, 512]);
});

Deno.test("what is asked for is measured", () => {
  const { only, brokers, peers, amounts, json } = parse(
    ...["--", "--only", "startup,rpc", "--broker", "own", "--json"],
    ...["--peers", "none", "--calls", "7", "--seconds", "0.5", "--rounds", "1"],
    ...["--concurrency", "8,1", "--size", "4096"],
  );
  assert.deepEqual(only, ["rpc", "startup"]);
  assert.deepEqual([brokers, peers, json], [["own"], [], true]);
  const { calls, seconds, rounds, concurrency, size } = amounts;
  assert.deepEqual([calls, seconds, rounds, size], [7, 0.5, 1, 4096]);
  assert.deepEqual(concurrency, [8, 1]);
});

Deno.test("--quick is less of everything, unless more is asked for", () => {
  const { amounts } = parse("--quick", "--calls", "5000");
  assert.equal(amounts.calls, 5000);
  assert.equal(amounts.rounds, 1);
  assert.ok(amounts.fib < parse().amounts.fib);
});

Deno.test("--help asks for nothing", () => {
  assert.equal(parseOptions(["--help"]), undefined);
});

const bad: [string[], RegExp][] = [
  [["--only", "rpc,nothing"], /--only knows no "nothing", but micro, rpc/],
  [["--broker", "kafka"], /--broker knows no "kafka"/],
  [["--peers", ""], /--peers knows no ""/],
  [["--calls", "0"], /--calls must be a whole number above 0: 0/],
  [["--concurrency", "1,x"], /--concurrency must be .*: x/],
  [["--seconds=-1"], /--seconds must be a number above 0: -1/],
  [["--fast"], /--fast/],
];

for (const [args, message] of bad) {
  Deno.test(`refused: ${args.join(" ")}`, () => {
    assert.throws(() => parseOptions(args), { message });
  });
}
