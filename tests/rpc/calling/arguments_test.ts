// What plain JavaScript passes to a call, whatever the types say.

import assert from "node:assert/strict";
import type { CallOptions } from "../../../src/rpc/calling/call_options.ts";
import type { MessageData } from "../../../src/rpc/messages.ts";
import type { SendCall } from "../../../src/rpc/calling/client_options.ts";
import { writeMessage } from "../../../src/amqp/message_frames.ts";
import { Writer } from "../../../src/amqp091/writer.ts";
import { start } from "../../support/calling.ts";

const { buffer } = Uint8Array.of(0x61, 0x62, 0x63, 0x64);
const shared = new SharedArrayBuffer(4);
new Uint8Array(shared).set(new Uint8Array(buffer));

const BYTES: MessageData[] = [
  buffer,
  shared,
  new Uint16Array(buffer),
  new DataView(new TextEncoder().encode("_abcd_").buffer, 1, 4),
  new Uint8ClampedArray(buffer),
];

for (const body of BYTES) {
  for (const interceptors of [[], [(next: SendCall) => next]]) {
    const kind = body.constructor.name;
    const way = interceptors.length ? "past an interceptor" : "at once";
    Deno.test(`a body of bytes: ${kind}, ${way}`, async () => {
      await using scene = start({ interceptors });
      const { broker, client } = scene;
      const call = client.call("q", body);
      const { text, properties } = await broker.take("q");
      assert.equal(text, "abcd");
      const { correlationId, replyTo } = properties;
      broker.send(replyTo!, "", { correlationId });
      await call;
    });
  }
}

const BODIES: [unknown, string][] = [
  [new Map(), "Map"],
  [Promise.resolve(1), "Promise"],
  [new Response(), "Response"],
  [NaN, "the number NaN"],
  [5n, "a bigint"],
  [() => {}, "a function"],
];

for (const [body, kind] of BODIES) {
  Deno.test(`a body that is ${kind} is refused, not sent empty`, async () => {
    const message = `an argument must be text, bytes or JSON, got ${kind}`;
    for (const interceptors of [[], [(next: SendCall) => next]]) {
      await using scene = start({ interceptors });
      const { broker, client } = scene;
      const call = client.call("q", body as never);
      await assert.rejects(call, new TypeError(message));
      assert.equal(broker.log.includes("publish q"), false);
    }
  });
}

const UNWRITABLE: [unknown, string][] = [
  [{ n: 1 }, "an Object"],
  [30, "the number 30"],
  [null, "null"],
  [undefined, "undefined"],
];

for (const [body, kind] of UNWRITABLE) {
  Deno.test(`a message whose body is ${kind} is not written`, () => {
    const writer = new Writer();
    const to = { channel: 1, exchange: "", routingKey: "q", mandatory: true };
    const message = `a body must be text or bytes, got ${kind}; ` +
      "JSON.stringify() makes text of it";
    const publish = () => writeMessage(writer, 4096, to, body as never, {});
    assert.throws(publish, new TypeError(message));
    assert.equal(writer.length, 0);
  });
}

const JSON_ARGUMENTS: [unknown, string][] = [
  [{ n: 1, body: "x" }, '{"n":1,"body":"x"}'],
  [["a", null], '["a",null]'],
  [30, "30"],
  [false, "false"],
  [null, "null"],
];

for (const [argument, json] of JSON_ARGUMENTS) {
  Deno.test(`${json} is sent as JSON`, async () => {
    for (const interceptors of [[], [(next: SendCall) => next]]) {
      await using scene = start({ interceptors });
      const { broker, client } = scene;
      const call = client.call("q", argument as object, { type: "t" });
      const { text, properties } = await broker.take("q");
      const { contentType, correlationId, replyTo, type } = properties;
      assert.deepEqual([text, contentType, type], [
        json,
        "application/json",
        "t",
      ]);
      broker.send(replyTo!, "", { correlationId });
      await call;
    }
  });
}

Deno.test("text has no MIME type, nothing is an empty body", async () => {
  await using scene = start();
  const { broker, client } = scene;
  for (const argument of ["30", undefined]) {
    const call = client.call("q", argument);
    const { text, properties } = await broker.take("q");
    const { contentType, correlationId, replyTo } = properties;
    assert.deepEqual([text, contentType], [argument ?? "", undefined]);
    broker.send(replyTo!, "", { correlationId });
    await call;
  }
});

const OPTIONS: [unknown, RegExp][] = [
  [5_000, /^options must be an object, got the number 5000$/],
  [null, /^options must be an object, got null$/],
  [{ timeoutMs: "5s" }, /^timeoutMs must be .*, got the string "5s"$/],
  [
    { signal: new AbortController() },
    /^signal must be an AbortSignal, got an AbortController$/,
  ],
  [{ type: 5 }, /^type must be text, got the number 5$/],
  [{ contentType: {} }, /^contentType must be text, got an Object$/],
  [{ contentEncoding: 5 }, /^contentEncoding must be text/],
  [{ headers: "a: 1" }, /^headers must be an object of names and values/],
  [{ headers: new Map([["a", 1]]) }, /^headers must be .*, got a Map$/],
  [{ onAttempt: true }, /^onAttempt must be a function, got the boolean true$/],
  [
    { priority: "9" },
    /^priority must be a whole number from 0 to 255, got the string "9"$/,
  ],
];

for (const [options, message] of OPTIONS) {
  Deno.test(`an option is refused: ${message.source}`, async () => {
    await using scene = start();
    const call = scene.client.call("q", "", options as CallOptions);
    await assert.rejects(
      call,
      (error) => error instanceof TypeError && message.test(error.message),
    );
  });
}

Deno.test("a priority is out of range", async () => {
  await using scene = start();
  for (const priority of [-1, 256, 1.5, NaN]) {
    const call = scene.client.call("q", "", { priority });
    const message =
      `priority must be a whole number from 0 to 255, got ${priority}`;
    await assert.rejects(call, new RangeError(message));
  }
});

Deno.test("a queue's name is text", async () => {
  await using scene = start();
  const { client } = scene;
  const message = "queue must be a name, got the number 5";
  await assert.rejects(client.call(5 as never, ""), new TypeError(message));
  await assert.rejects(client.inspect(5 as never), new TypeError(message));
});
