// Tests of src/procedures/command/line_protocol.ts.

import assert from "node:assert/strict";
import { RpcError } from "../../../src/rpc/errors.ts";
import {
  answerPart,
  encodeCancelLine,
  encodeRequestLine,
  maxAnswerBytes,
  parseAnswerLine,
} from "../../../src/procedures/command/line_protocol.ts";
import { request } from "./running.ts";

function lineOf(...args: Parameters<typeof request>): unknown {
  const line = encodeRequestLine("7", request(...args), Infinity);
  const text = new TextDecoder().decode(line);
  assert.match(text, /^[^\n]+\n$/);
  return JSON.parse(text);
}

function parse(text: string, malformed = false) {
  return parseAnswerLine({ text, cut: false, malformed });
}

/** The result in a line. */
function resultOf(line: string): string {
  const answer = parse(line);
  assert.ok(!("why" in answer), line);
  const part = answerPart(answer, "model");
  assert.ok("body" in part, line);
  return new TextDecoder().decode(part.body);
}

function failureOf(line: string): RpcError {
  try {
    resultOf(line);
  } catch (error) {
    assert.ok(error instanceof RpcError);
    return error;
  }
  assert.fail("it is a result");
}

Deno.test("a request is one line", () => {
  assert.deepEqual(lineOf("two\nlines", { type: "m", headers: { a: "b" } }), {
    id: "7",
    type: "m",
    headers: { a: "b" },
    body: "two\nlines",
  });
});

Deno.test("a deadline is told as a time, and as what is left", () => {
  const deadlineMs = Date.now() + 30_000.5;
  const line = encodeRequestLine("7", request(), deadlineMs);
  const { timeout_ms, deadline } = JSON.parse(new TextDecoder().decode(line));
  assert.equal(deadline, Math.floor(deadlineMs));
  assert.ok(timeout_ms > 25_000 && timeout_ms <= 30_001, timeout_ms);
});

/** What a line tells, as an item for example. */
function partOf(line: string): unknown {
  const answer = parse(line);
  assert.ok(!("why" in answer), line);
  return answerPart(answer, "model");
}

Deno.test("an answer may come in items, and tell how far it is", () => {
  assert.deepEqual(partOf('{"id":"7","item":"a"}'), { item: "a" });
  assert.deepEqual(partOf('{"id":"7","item":{"n":1}}'), { item: { n: 1 } });
  assert.deepEqual(partOf('{"id":"7","item":null}'), { item: null });
  const bytes = { item: Uint8Array.of(0xff, 0) };
  assert.deepEqual(partOf('{"id":"7","item_base64":"/wA="}'), bytes);
  assert.deepEqual(partOf('{"id":"7","end":true}'), { end: true });
  const progress = { done: 1, total: 2 };
  const line = JSON.stringify({ id: "7", progress });
  assert.deepEqual(partOf(line), { progress });
});

Deno.test("an end that is not true is none", () => {
  assert.match(failureOf('{"id":"7","end":1}').message, /its end is not true$/);
});

Deno.test("a child hears of a stream that is wanted no more", () => {
  const line = new TextDecoder().decode(encodeCancelLine("7"));
  assert.equal(line, '{"id":"7","cancel":true}\n');
});

Deno.test("a line has the properties that its request has", () => {
  const properties = {
    contentType: "a/b",
    contentEncoding: "gzip",
    priority: 3,
    userId: "guest",
    appId: "shop",
    timestamp: new Date(86_400_000),
  };
  assert.deepEqual(lineOf("", properties), {
    id: "7",
    type: "",
    headers: {},
    body: "",
    content_type: "a/b",
    content_encoding: "gzip",
    priority: 3,
    user_id: "guest",
    app_id: "shop",
    timestamp: "1970-01-02T00:00:00.000Z",
  });
});

Deno.test("a body that is no UTF-8 is base64", () => {
  assert.deepEqual(lineOf(Uint8Array.of(0xff, 0)), {
    id: "7",
    type: "",
    headers: {},
    body_base64: "/wA=",
  });
  const { body } = lineOf("a\0\u2028\ufeff") as { body: string };
  assert.equal(body, "a\0\u2028\ufeff");
});

Deno.test("headers that JSON lacks are written as something that it has", () => {
  const headers = {
    bytes: Uint8Array.of(0xff, 0),
    at: new Date(0),
    never: new Date(NaN),
    small: 5n,
    big: 2n ** 60n,
    nested: [{ a: 1n }],
  };
  assert.deepEqual((lineOf("", { headers }) as { headers: unknown }).headers, {
    bytes: "/wA=",
    at: "1970-01-01T00:00:00.000Z",
    never: null,
    small: 5,
    big: "1152921504606846976",
    nested: [{ a: 1 }],
  });
});

Deno.test("an answer has a body, as text or as base64", () => {
  assert.equal(resultOf('{"id":"7","body":"é"}'), "é");
  assert.equal(resultOf('{"id":"7","body":""}\r'), "");
  for (const base64 of ["w6k=", "w6k"]) {
    assert.equal(resultOf(`{"id":"7","body_base64":"${base64}"}`), "é");
  }
});

Deno.test("an id may be a number, and a line begin with a BOM", () => {
  for (const line of ['{"id":7,"body":"x"}', '\ufeff{"id":"7","body":"x"}']) {
    assert.deepEqual(parse(line), { id: "7", body: "x" });
  }
});

const NO_ANSWERS: [line: string, why: string, id?: string][] = [
  ["", "it is not JSON"],
  ["x", "it is not JSON"],
  ['{"id":"7"', "it is not JSON", "7"],
  ['{"id": 7, "body": "a\nb"', "it is not JSON", "7"],
  ['{"body":"","id":"7"', "it is not JSON"],
  ["7", "it has no id"],
  ["null", "it has no id"],
  ["{}", "it has no id"],
  ['{"id":7.5,"body":""}', "it has no id"],
];

for (const [line, why, id] of NO_ANSWERS) {
  Deno.test(`no answer: ${JSON.stringify(line)}`, () => {
    const found = parse(line);
    assert.deepEqual({ id: undefined, ...found }, { id, why });
  });
}

Deno.test("an answer that is not UTF-8 is none, and known by its id", () => {
  const line = '{"id":"7","body":"\ufffd"}';
  assert.deepEqual(parse(line, true), { id: "7", why: "it is not UTF-8" });
  assert.equal(resultOf(line), "\ufffd");
});

for (
  const members of [
    "",
    ',"body":1',
    ',"body":null',
    ',"body_base64":"w6k=="',
    ',"body_base64":"w6k=\\n"',
    ',"body_base64":["w6k="]',
    ',"body":"","body_base64":""',
    ',"body":"","error":{}',
  ]
) {
  Deno.test(`an answer without a result: ${members}`, () => {
    const { code, message } = failureOf(`{"id":"7"${members}}`);
    assert.equal(code, "internal");
    assert.match(message, /^"model" gave an invalid answer: /);
  });
}

Deno.test("an answer may be an error", () => {
  const error = { code: "not_found", detail: "no such file" };
  const { code, message } = failureOf(JSON.stringify({ id: "7", error }));
  assert.deepEqual([code, message], ["not_found", "no such file"]);
});

for (const error of [{}, "oops", null, { code: "odd", detail: 1 }]) {
  Deno.test(`an error that tells too little: ${JSON.stringify(error)}`, () => {
    const { code, message } = failureOf(JSON.stringify({ id: "7", error }));
    assert.deepEqual([code, message], ["unknown", '"model" gave no detail']);
  });
}

Deno.test("the line of any body that is allowed is short enough", () => {
  const body = "\0".repeat(1000);
  const line = JSON.stringify({ id: "9007199254740991", body });
  assert.ok(line.length <= maxAnswerBytes(1000));
});
