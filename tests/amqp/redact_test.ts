// Tests of src/amqp/redact.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { redactUrl, redactUrls } from "../../src/amqp/redact.ts";

Deno.test("redactUrl() hides the password and nothing else", () => {
  const hidden = "amqp://ann:***@host:1/v";
  assert.equal(redactUrl("amqp://ann:pw@host:1/v"), hidden);
  assert.equal(redactUrl("amqp://ann:p:w@x@host:1/v"), hidden);
  assert.equal(redactUrl("amqp://host:1/v"), "amqp://host:1/v");
  assert.equal(redactUrl("amqp://ann@host"), "amqp://ann@host");
  assert.equal(redactUrl("amqp://:pw@host"), "amqp://:***@host");
});

Deno.test("redactUrls() hides the passwords in a text, and no more", () => {
  const cases: [string, string][] = [
    ["at amqp://ann:pw@host:1/v, say", "at amqp://ann:***@host:1/v, say"],
    ['"amqps://a@b.c:p@w/x#@host"', '"amqps://a@b.c:***@host"'],
    ["http://a:1@h amqp://b:2@i", "http://a:***@h amqp://b:***@i"],
    ["amqp://a:1@h,amqp://b:2@i", "amqp://a:***@i"],
    ["amqp://ann@host:5672/v", "amqp://ann@host:5672/v"],
    ["a: b@c, amqp://host", "a: b@c, amqp://host"],
    ["amqp://guest:123#4@127.0.0.1", "amqp://guest:***@127.0.0.1"],
    ["amqp://a/n:p/w@h", "amqp://a/n:***@h"],
    ["at amqp://ann:p w x@h/v y", "at amqp://ann:*** *** ***@h/v y"],
    ["amqp://ann:pw", "amqp://ann:***"],
    ["amqp://mq:5672/v, amqp://[::1]:1", "amqp://mq:5672/v, amqp://[::1]:1"],
    ["see https://x.org/a:b", "see https://x.org/a:b"],
  ];
  for (const [text, redacted] of cases) {
    assert.equal(redactUrls(text), redacted);
  }
});

Deno.test("a password with any punctuation, spaces aside, is hidden", () => {
  const piece = fc.string({ unit: fc.constantFrom(..."/?#@[]%,:x1") });
  const run = fc.property(piece, piece, (before, after) => {
    const text = `error: amqp://bob:${before}S3CRET${after}x@host/v`;
    assert.equal(redactUrls(text).includes("S3CRET"), false, text);
  });
  fc.assert(run, { numRuns: 2_000 });
});

Deno.test("the time taken grows with the length, not with its square", () => {
  const pieces = ["a", "a://", "a://b:c", "a://b:c ", "a://@:", "a:", "@ "];
  for (const piece of pieces) {
    const text = piece.repeat(300_000);
    const startedMs = performance.now();
    redactUrls(text);
    // Quadratic, it would take minutes.
    assert.ok(performance.now() - startedMs < 10_000, piece);
  }
});
