// What a batch reads: lines, records that end in NUL, and JSON objects; and
// what --dry-run makes of them.

import assert from "node:assert/strict";
import type { ConsumeMessage } from "amqplib";
import { test } from "../../../support/needs.ts";
import { run } from "../../../support/program.ts";
import { rabbitMqTest } from "../../../support/rabbitmq.ts";
import { fakeServer } from "../../fake_server.ts";
import { scene } from "../../scene.ts";

/** Nobody listens there: whoever connects fails. */
const NOWHERE = ["-u", "amqp://127.0.0.1:1", "q"];
const BYTES = Uint8Array.of(0xff, 10, 13, 0x80, 0, 0xfe, 0xc3, 0);

rabbitMqTest(
  "-0: NUL ends requests and answers, all else is kept",
  async () => {
    const { client, serve } = await scene();
    await using _server = await serve(["--builtin", "echo"]);
    const { code, stdoutBytes, stderr } = await client(["-0"], {
      stdin: BYTES,
    });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual([...stdoutBytes], [...BYTES]);
  },
);

rabbitMqTest("-l: bytes that are no UTF-8 come back as they went", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const stdin = Uint8Array.of(0xff, 0, 10, 0x80, 13, 10);
  const { code, stdoutBytes } = await client(["-l"], { stdin });
  assert.deepEqual([code, [...stdoutBytes]], [0, [...stdin]]);
});

rabbitMqTest(
  "ndjson: each line has a body, and what else it says",
  async () => {
    const { url, queue, client } = await scene();
    const got: ConsumeMessage[] = [];
    await using _server = await fakeServer(url, queue, (request, server) => {
      got.push(request);
      server.answer(request, request.content);
    });
    const requests = [
      { id: "first", body: "as it is", type: "m", headers: { a: "x", n: 2 } },
      { body: { x: [1, null] } },
      { id: 7.5, body_base64: "/wB+" },
      { body: null, headers: { common: "own" } },
    ];
    const stdin = requests.map((it) => `${JSON.stringify(it)}\n\n`).join("");
    const flags = ["-H", "common:all", "--type", "usual", "-c", "1", "--json"];
    const { code, stdout } = await client(["--input", "ndjson", ...flags], {
      stdin,
    });
    assert.equal(code, 0);
    const answers = stdout.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(
      answers.map(({ id, body, body_base64 }) => [id, body ?? body_base64]),
      // Empty lines count, as an editor counts them.
      [["first", "as it is"], [3, '{"x":[1,null]}'], [7.5, "/wB+"], [
        7,
        "null",
      ]],
    );
    const sent = got.map(({ properties: { type, headers } }) => {
      const { a, n, common } = headers ?? {};
      return [type, a, n, common];
    });
    assert.deepEqual(sent, [
      ["m", "x", 2, "all"],
      ["usual", undefined, undefined, "all"],
      ["usual", undefined, undefined, "all"],
      ["usual", undefined, undefined, "own"],
    ]);
  },
);

/** A line, and what is wrong with it. */
const WRONG: [string | Uint8Array, string][] = [
  ['{"body":1,}', 'is not JSON (unexpected "}" at column 11)'],
  ['{"body":"ü" 1', 'is not JSON (unexpected "1" at column 13)'],
  ['{"body":"\\x"}', 'is not JSON (unexpected "x" at column 11)'],
  ['{"body":[1', "is not JSON (unexpected end at column 11)"],
  ['{"body":"1', "is not JSON (unexpected end at column 11)"],
  ['{"body":1} 2', 'is not JSON (unexpected "2" at column 12)'],
  ["30x", 'is not JSON (unexpected "x" at column 3)'],
  [Uint8Array.of(0x22, 0xff, 0x22), "is not UTF-8"],
  ["[1]", 'is not a JSON object such as {"id": 1, "body": "30"}'],
  [
    '{"bdy":1}',
    'has an unknown key "bdy" (known: id, body, body_base64, headers, type)',
  ],
  ["{}", 'must have either "body" or "body_base64"'],
  [
    '{"body":1,"body_base64":"AA=="}',
    'must have either "body" or "body_base64"',
  ],
  ['{"body_base64":"?"}', 'has a "body_base64" that is not base64'],
  ['{"id":{},"body":1}', 'has an "id" that is neither a string nor a number'],
  [
    '{"body":1,"type":1}',
    'has a "type" that is not a string of up to 255 bytes',
  ],
  ['{"body":1,"headers":[]}', 'has "headers" that are not an object'],
  [
    '{"body":1,"headers":{"a":null}}',
    'has a header "a" that is not a string, a number or a boolean',
  ],
];

for (const [stdin, problem] of WRONG) {
  test(`an ndjson line that ${problem}`, async () => {
    const args = ["client", ...NOWHERE, "--input", "ndjson", "--dry-run"];
    const { code, stdout, stderr } = await run(args, { stdin });
    const sentence = `line 1 of stdin ${problem}; it was not sent.`;
    assert.equal(stderr, `rabbit-rpc: ${sentence}\n`);
    assert.deepEqual([code, stdout], [65, ""]);
  });
}

rabbitMqTest("a line that is no request fails alone, by its id", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const stdin = '{"body":"a"}\n{"id":"x","boddy":1}\n{"body":"c"}\n';
  const args = ["--input", "ndjson"];
  const { code, stdout, stderr } = await client(args, { stdin });
  assert.deepEqual([code, stdout], [3, "a\n\nc\n"]);
  assert.match(stderr, /^rabbit-rpc: line 2 of stdin has an unknown[^\n]+\n$/);
  const json = await client([...args, "--json"], { stdin });
  const [, { id, ok, error, attempts }] = json.stdout.trim().split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual([id, ok, attempts], ["x", false, 0]);
  assert.equal(error.code, "invalid_argument");
  assert.match(error.detail, /^line 2 of stdin has an unknown key "boddy"/);
});

test("a batch of nothing but bad lines is 65, and connects nowhere", async () => {
  const { code, stdout } = await run(
    ["client", ...NOWHERE, "--input", "ndjson"],
    { stdin: "1\n2\n" },
  );
  assert.deepEqual([code, stdout], [65, "\n\n"]);
});

test("--dry-run prints requests as ndjson, which says the same again", async () => {
  const args = ["client", ...NOWHERE, "--dry-run"];
  const first = await run([...args, "-l", "-H", "k:v", "--type", "m"], {
    stdin: Uint8Array.of(...new TextEncoder().encode("ü\n"), 0xff, 10),
  });
  const own = '"headers":{"k":"v"},"type":"m"}\n';
  const expected =
    `{"id":1,"body":"ü",${own}{"id":2,"body_base64":"/w==",${own}`;
  assert.deepEqual([first.code, first.stdout, first.stderr], [0, expected, ""]);
  const again = await run([...args, "--input", "ndjson"], {
    stdin: first.stdout,
  });
  assert.deepEqual([again.code, again.stdout], [0, expected]);
});

test("--dry-run of one call, and of what is wrong with its flags", async () => {
  const args = ["client", ...NOWHERE, "--dry-run", "30"];
  const { code, stdout, stderr } = await run([...args, "-v"]);
  assert.deepEqual([code, stdout], [0, '{"id":1,"body":"30"}\n']);
  assert.equal(
    stderr,
    'rabbit-rpc: 1 request would be sent to "q" (dry run)\n',
  );
  const missing = await run([...args, "--cacert", "/no/such/file"]);
  assert.deepEqual([missing.code, missing.stdout], [66, ""]);
});

rabbitMqTest("a line that can't be sent fails alone", async () => {
  const { client, serve } = await scene();
  await using _server = await serve(["--builtin", "echo"]);
  const stdin = [
    '{"body":"one"}',
    '{"body":"two","headers":{"CC":"elsewhere"}}',
    '{"body":"three","headers":{"n":1e400}}',
    '{"body":"four","headers":{"n":9007199254740993}}',
  ].join("\n");
  const ndjson = ["--input", "ndjson"];
  const { code, stdout, stderr } = await client(ndjson, { stdin });
  assert.deepEqual([code, stdout], [3, "one\n\n\nfour\n"]);
  const mistakes = stderr.match(/line \d of stdin has an error: [^\n]*/g)!;
  assert.equal(mistakes.length, 2, stderr);
  const dry = await client([...ndjson, "--dry-run"], { stdin });
  assert.deepEqual([dry.code, dry.stdout.split("\n").length], [3, 3]);
  for (const mistake of mistakes) assert.ok(dry.stderr.includes(mistake));
});
