// Tests of src/rpc/calling/streams/stream_credit.ts.

import assert from "node:assert/strict";
import {
  SharedCredit,
  StreamCredit,
} from "../../../../src/rpc/calling/streams/stream_credit.ts";
import { streamSettings } from "../../../../src/rpc/calling/streams/stream_options.ts";

Deno.test("streams share what may be on its way, and each has some", () => {
  const shared = new SharedCredit();
  assert.equal(shared.of(256), 256);
  for (let n = 0; n < 64; n++) shared.join();
  assert.equal(shared.of(256), 64);
  assert.equal(shared.of(10), 10);
  for (let n = 0; n < 10_000; n++) shared.join();
  assert.equal(shared.of(256), 8);
  assert.equal(shared.of(1), 1);
  for (let n = 0; n < 10_063; n++) shared.leave();
  assert.equal(shared.of(256), 256);
});

Deno.test("what was granted is never taken back", () => {
  const shared = new SharedCredit();
  const credit = new StreamCredit(streamSettings({ credit: 100 }), shared);
  assert.deepEqual(credit.granted, { items: 100, bytes: 4 * 1024 * 1024 });
  for (let n = 0; n < 1_000; n++) shared.join();
  for (let n = 0; n < 10; n++) credit.taken(5);
  assert.deepEqual(credit.grant(), { items: 100, bytes: 4 * 1024 * 1024 + 50 });
  let taken = 10;
  while (!credit.taken(0)) taken++;
  // Of eight ahead, half are left.
  assert.equal(taken + 1, 96);
  assert.equal(credit.grant().items, 104);
});

Deno.test("bytes run out before items where items are large", () => {
  const settings = streamSettings({ credit: 100, creditBytes: 1_000 });
  const credit = new StreamCredit(settings, new SharedCredit());
  assert.equal(credit.taken(400), false);
  assert.equal(credit.taken(100), true);
  assert.deepEqual(credit.grant(), { items: 102, bytes: 1_500 });
});
