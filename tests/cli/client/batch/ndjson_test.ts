// Lines of --input ndjson that are no requests, however long they are.

import assert from "node:assert/strict";
import { requestJson } from "../../../../src/cli/client/json_lines.ts";
import { jsonError } from "../../../../src/cli/client/batch/json_error.ts";
import { RequestReader } from "../../../../src/cli/client/batch/requests.ts";

/** A text, and where it stops being JSON. */
const TEXTS: [string, string][] = [
  ["", "end at column 1"],
  ["tru", "end at column 4"],
  ["[1 2]", '"2" at column 4'],
  ["01", '"1" at column 2'],
  ["1.e5", '"e" at column 3'],
  ['{"a" 1}', '"1" at column 6'],
  ["{a:1}", '"a" at column 2'],
  ['{"a":1]', '"]" at column 7'],
  ['{"a":"b":1}', '":" at column 9'],
  ["[1,]", '"]" at column 4'],
  ['["a":1]', '":" at column 5'],
  ['"a\tb"', '"\\t" at column 3'],
  ['"\\u00g0"', '"g" at column 6'],
  ['["👍", x]', '"x" at column 7'],
];

for (const [text, where] of TEXTS) {
  Deno.test(`not JSON: ${text}`, () => {
    assert.throws(() => JSON.parse(text), SyntaxError);
    assert.equal(jsonError(text), `unexpected ${where}`);
  });
}

Deno.test("a long text is no harder", () => {
  const length = 10_000_000;
  const column = `end at column ${length + 2}`;
  assert.equal(jsonError(`"${"x".repeat(length)}`), `unexpected ${column}`);
  const escapes = "\\n".repeat(length / 2);
  assert.equal(jsonError(`"${escapes}`), `unexpected ${column}`);
});

function read(line: unknown) {
  return readText(JSON.stringify(line));
}

function readText(line: string) {
  const reader = new RequestReader({
    ndjson: true,
    separator: 10,
    unit: "line",
  });
  return reader.read(new TextEncoder().encode(line))!;
}

const BASE64: [string, number[] | undefined][] = [
  ["", []],
  ["/+8=", [255, 239]],
  ["_-8", [255, 239]],
  ["AA==", [0]],
  ["AA=", undefined],
  ["A", undefined],
  ["AAA==", undefined],
  ["A A=", undefined],
];

for (const [base64, bytes] of BASE64) {
  Deno.test(`base64 "${base64}" is ${bytes ?? "none"}`, () => {
    const { body, invalid } = read({ body_base64: base64 });
    assert.deepEqual([...body], bytes ?? []);
    assert.equal(invalid === undefined, bytes !== undefined);
  });
}

Deno.test("long base64 is no harder", () => {
  const { body } = read({ body_base64: "AAAA".repeat(5_000_000) });
  assert.equal(body.length, 15_000_000);
});

Deno.test("numbers in a body stay as they were", () => {
  const body = '{"id":12345678901234567890,"x":[1.50,1e400,-0]}';
  const request = readText(`{ "body" : ${body} }`);
  assert.equal(new TextDecoder().decode(request.body), body);
});

Deno.test("an id that would be rounded is refused", () => {
  const { invalid } = readText('{"id":12345678901234567890,"body":""}');
  assert.match(
    invalid!.message,
    /"id" that is too large for a number: make it a string/,
  );
});

Deno.test("a body that is nested too deeply is refused", () => {
  const depth = 1_000_000;
  const body = "[".repeat(depth) + "]".repeat(depth);
  const { invalid } = readText(`{"body":${body}}`);
  assert.match(invalid!.message, /nested too deeply/);
});

Deno.test("integers in headers are exact, up to 64 bits", () => {
  const line = '{"body":"x","headers":{"n":9007199254740993,"m":-7,"f":1e300}}';
  const request = readText(line);
  const headers = { n: 9007199254740993n, m: -7, f: 1e300 };
  assert.deepEqual(request.own?.headers, headers);
  // --dry-run prints what can be read again.
  const printed = requestJson({ ...request, id: 1 }, {});
  assert.match(printed, /"n":9007199254740993,/);
  assert.deepEqual(readText(printed).own?.headers, headers);
  const { invalid } = readText(
    '{"body":"x","headers":{"n":9223372036854775808}}',
  );
  assert.match(invalid!.message, /has a header "n" of more than 64 bits/);
});

/** Lines that could not be sent, and why. */
const UNSENDABLE: [string, RegExp][] = [
  ['{"body":"x","headers":{"CC":"other"}}', /an error: .*"CC": RabbitMQ/],
  ['{"body":"x","headers":{"BCC":"other"}}', /an error: .*"BCC": RabbitMQ/],
  ['{"body":"x","headers":{"n":1e400}}', /an error: .*finite, "n" has Inf/],
  ['{"body":"x","headers":{"n":-1e400}}', /an error: .*finite, "n" has -Inf/],
  ['{"body":"x","headers":{"\\ud800":"a"}}', /a header with half a surrogate/],
  ['{"body":"x","headers":{"a":"\\ud800"}}', /a header with half a surrogate/],
  ['{"body":"\\ud800"}', /a "body" with half a surrogate pair/],
  ['{"body":"x","type":"\\udc00"}', /a "type" with half a surrogate pair/],
  ['{"body":"x","id":1e400}', /an "id" that is too large/],
];

for (const [line, why] of UNSENDABLE) {
  Deno.test(`not to be sent: ${line}`, () => {
    const { invalid } = readText(line);
    assert.equal(invalid?.code, "invalid_argument");
    assert.match(invalid.message, why);
    assert.match(invalid.message, /^line 1 of stdin has .*; it was not sent$/);
  });
}

Deno.test("headers beside a large integer are no harder", () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const { invalid } = readText(
    `{"body":"x","headers":{"n":9007199254740993,"x":${deep}}}`,
  );
  assert.match(invalid!.message, /a header "x" that is not a string/);
});
