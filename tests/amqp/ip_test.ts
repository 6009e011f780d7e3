// Tests of src/amqp/ip.ts.

import assert from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import { isIp, isIpv6 } from "../../src/amqp/ip.ts";

const TEXTS = [
  ["127.0.0.1", "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4."],
  ["01.2.3.4", "1.2.3.4.5", "1", "0x7f.0.0.1", "1.2.3.4/8", "1.2.3.4:5", ""],
  [
    "::1",
    "::",
    "fe80::1",
    "2001:db8::ff00:42:8329",
    "::ffff:1.2.3.4",
    "1::2::3",
  ],
  [":::", "12345::", "::1]", "[::1]", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8"],
  ["localhost", "a.example", "1.example", "127.0.0.1@host", "::g", "a:b"],
].flat();

for (const text of TEXTS) {
  Deno.test(`"${text}" is ${isIP(text) || "no"} IP address`, () => {
    assert.equal(isIp(text), isIP(text) !== 0);
    assert.equal(isIpv6(text), isIP(text) === 6);
  });
}

Deno.test("whatever is written with their characters is told as node:net does", () => {
  const character = fc.constantFrom(..."0129af:.");
  const parts = fc.array(fc.nat(300), { minLength: 3, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(character, { maxLength: 20 }).map((it) => it.join("")),
        fc.ipV6(),
        fc.ipV4(),
        parts.map((it) => it.join(".")),
      ),
      (text) => assert.equal(isIp(text), isIP(text) !== 0),
    ),
    { numRuns: 2_000 },
  );
});
