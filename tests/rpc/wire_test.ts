// Tests of src/rpc/wire.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { RPC_CODES, type RpcCode, RpcError } from "../../src/rpc/errors.ts";
import {
  DEADLINE_HEADER,
  decodeReply,
  decodeRequest,
  encodeError,
  encodeReply,
  ERROR_CONTENT_TYPE,
  ERROR_TYPE,
  type OutgoingMessage,
  requestProperties,
  type SendableResult,
} from "../../src/rpc/wire.ts";
import {
  type MessageHeaders,
  type MessageProperties,
  RpcReply,
} from "../../src/rpc/messages.ts";
import type { Delivery } from "../../src/rpc/transport.ts";

const NOW_MS = 1_700_000_000_000;

function delivered(
  properties: MessageProperties,
  body: Uint8Array = new Uint8Array(0),
): Delivery {
  return { properties, body, deliveryTag: 1, redelivered: false };
}

function requestWith(properties: MessageProperties, atMs = NOW_MS) {
  return decodeRequest(delivered(properties), "q", atMs);
}

/** What the caller makes of a message from the server. */
function received({ body, properties }: OutgoingMessage): RpcReply | RpcError {
  return decodeReply(delivered(properties, body));
}

function replyTo(result: SendableResult): RpcReply {
  const reply = received(encodeReply(requestWith({}), result));
  assert.ok(reply instanceof RpcReply);
  return reply;
}

function errorReplyOf(error: RpcError): RpcError {
  const reply = received(encodeError(requestWith({}), error));
  assert.ok(reply instanceof RpcError);
  return reply;
}

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const someText = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });

Deno.test("a request has nothing but what it needs", () => {
  const fields = { correlationId: "id", replyTo: "cb", leftMs: 9 };
  assert.deepEqual(requestProperties(fields, NOW_MS), {
    correlationId: "id",
    replyTo: "cb",
    expiration: "9",
    headers: { "rpc-deadline": NOW_MS + 9 },
  });
});

Deno.test("a request keeps what it is given, the deadline header aside", () => {
  const properties = requestProperties(
    {
      correlationId: "id",
      replyTo: "cb",
      leftMs: 1,
      messageId: "m",
    },
    NOW_MS,
    {
      type: "add",
      contentType: "text/plain",
      persistent: true,
      headers: { a: 1, [DEADLINE_HEADER]: 5 },
    },
  );
  assert.equal(properties.type, "add");
  assert.equal(properties.contentType, "text/plain");
  assert.equal(properties.messageId, "m");
  assert.equal(properties.deliveryMode, 2);
  assert.deepEqual(properties.headers, { a: 1, [DEADLINE_HEADER]: NOW_MS + 1 });
});

Deno.test("expiration is a whole number that the broker takes", () => {
  const anyMs = fc.double({ min: 1e-9, max: 1e300, noNaN: true });
  fc.assert(fc.property(anyMs, (leftMs) => {
    const fields = { correlationId: "", replyTo: "", leftMs };
    const { expiration } = requestProperties(fields, 0);
    assert.match(expiration!, /^\d+$/);
    // What RabbitMQ refuses, by closing the channel: rabbit_misc:check_expiry.
    assert.ok(Number(expiration) <= 2 ** 32 - 1, expiration);
  }));
  const past = { correlationId: "", replyTo: "", leftMs: -5 };
  assert.equal(requestProperties(past, NOW_MS).expiration, "0");
});

Deno.test("what is sent is what the procedure sees", () => {
  const fields = fc.record({
    correlationId: text,
    replyTo: someText,
    leftMs: fc.integer({ min: 100, max: 100_000 }),
    type: text,
    contentType: fc.option(someText, { nil: undefined }),
    messageId: fc.option(someText, { nil: undefined }),
  });
  const body = fc.uint8Array({ maxLength: 50 });
  fc.assert(fc.property(fields, body, (fields, body) => {
    const properties = requestProperties(fields, NOW_MS, fields);
    const request = decodeRequest(delivered(properties, body), "q", NOW_MS);
    assert.deepEqual(request.bytes, body);
    assert.equal(request.queue, "q");
    assert.equal(request.correlationId, fields.correlationId);
    assert.equal(request.replyTo, fields.replyTo);
    assert.equal(request.type, fields.type);
    assert.equal(request.contentType, fields.contentType);
    assert.equal(request.messageId, fields.messageId);
    assert.equal(request.deadlineMs, NOW_MS + fields.leftMs);
  }));
});

Deno.test("a procedure sees the properties that a stranger gave", () => {
  const given = {
    contentEncoding: "gzip",
    priority: 9,
    userId: "guest",
    appId: "shop",
    timestamp: new Date(0),
  };
  const request = requestWith(given);
  const { contentEncoding, priority, userId, appId, timestamp } = request;
  assert.deepEqual(
    { contentEncoding, priority, userId, appId, timestamp },
    given,
  );
  const never = requestWith({ timestamp: new Date(NaN) });
  assert.equal(never.timestamp, undefined);
});

Deno.test("priority and encoding are sent where they are asked for", () => {
  const fields = { correlationId: "id", replyTo: "cb", leftMs: 1_000 };
  const more = { priority: 7, contentEncoding: "gzip" };
  const properties = requestProperties(fields, NOW_MS, more);
  assert.equal(properties.priority, 7);
  assert.equal(properties.contentEncoding, "gzip");
  const reply = replyTo({ body: "x", contentEncoding: "br" });
  assert.equal(reply.contentEncoding, "br");
});

Deno.test("a plain request has no deadline, no type, and may be one-way", () => {
  const request = requestWith({});
  assert.equal(request.deadlineMs, Infinity);
  assert.equal(request.type, "");
  assert.equal(request.replyTo, undefined);
  assert.equal(request.correlationId, undefined);
  assert.deepEqual(request.headers, {});
  assert.equal(request.text(), "");
  assert.equal(requestWith({ replyTo: "" }).replyTo, undefined);
});

Deno.test("the earlier of header and expiration is the deadline", () => {
  const deadline = (expiration?: string, header?: unknown) =>
    requestWith({
      expiration,
      headers: { [DEADLINE_HEADER]: header } as MessageHeaders,
    }).deadlineMs - NOW_MS;
  assert.equal(deadline("500"), 500);
  assert.equal(deadline(undefined, NOW_MS + 300), 300);
  assert.equal(deadline("500", NOW_MS + 300), 300);
  assert.equal(deadline("200", NOW_MS + 300), 200, "a clock that runs ahead");
  assert.equal(deadline("500", NOW_MS - 1), -1);
  assert.equal(deadline(undefined, BigInt(NOW_MS + 7)), 7, "a 64-bit header");
  assert.equal(deadline("soon"), Infinity);
  for (const nowOrNever of ["0", "1", "99"]) {
    assert.equal(deadline(nowOrNever), Infinity, nowOrNever);
    assert.equal(deadline(nowOrNever, NOW_MS + 300), 300);
    assert.equal(deadline(nowOrNever, NOW_MS - 1), -1);
  }
  assert.equal(deadline("100"), 100);
});

Deno.test("a deadline header that is no number counts as none", () => {
  const nonsense = ["", "soon", false, true, null, [], {}, new Date(NaN)];
  for (const header of nonsense) {
    const request = requestWith({ headers: { [DEADLINE_HEADER]: header } });
    assert.equal(request.deadlineMs, Infinity, JSON.stringify(header));
  }
});

Deno.test("no header that a stranger sends makes decoding throw", () => {
  const anything = fc.anything({ withBigInt: true, withNullPrototype: true });
  fc.assert(fc.property(anything, fc.string(), (value, expiration) => {
    const headers = { [DEADLINE_HEADER]: value } as MessageHeaders;
    const { deadlineMs } = requestWith({ headers, expiration });
    assert.equal(Number.isNaN(deadlineMs), false);
  }));
  // A header table may have any keys.
  const table = { valueOf: "x", toString: "y" };
  const { deadlineMs } = requestWith({ headers: { [DEADLINE_HEADER]: table } });
  assert.equal(deadlineMs, Infinity);
});

Deno.test("a reply is the result as it is", () => {
  fc.assert(fc.property(text, (result) => {
    assert.equal(replyTo(result).text(), result);
  }));
  fc.assert(fc.property(fc.uint8Array(), (result) => {
    assert.deepEqual(replyTo(result).bytes, result);
  }));
  assert.equal(replyTo(undefined).bytes.length, 0);
  const headers = { a: "b" };
  const reply = replyTo({ body: "{}", headers, contentType: "text/json" });
  assert.deepEqual(reply.json(), {});
  assert.deepEqual(reply.headers, headers);
  assert.equal(reply.contentType, "text/json");
});

Deno.test("the correlation id is copied, where there is one", () => {
  const copied = encodeReply(requestWith({ correlationId: "id" }), "x");
  assert.deepEqual(copied.properties, { correlationId: "id" });
  const empty = encodeReply(requestWith({ correlationId: "" }), "x");
  assert.deepEqual(empty.properties, { correlationId: "" });
  assert.deepEqual(encodeReply(requestWith({}), "x").properties, {});
});

Deno.test("an error reply looks as RFC 9457 says", () => {
  const error = new RpcError("not_found", "no user 7", {
    details: { user: 7, code: "internal", detail: "x", stack: "kept" },
  });
  error.stack = "at secret.ts:1";
  const request = requestWith({ correlationId: "id" });
  const { body, properties } = encodeError(request, error);
  assert.deepEqual(properties, {
    correlationId: "id",
    type: "error",
    contentType: "application/problem+json",
  });
  assert.deepEqual(JSON.parse(new TextDecoder().decode(body)), {
    user: 7,
    stack: "kept",
    code: "not_found",
    title: "Not found",
    detail: "no user 7",
  });
});

Deno.test("errors reach the caller with code, message and details", () => {
  const codes = Object.keys(RPC_CODES) as RpcCode[];
  const code = fc.constantFrom(...codes);
  const details = fc.dictionary(
    someText.filter((key) => !["code", "title", "detail"].includes(key)),
    fc.jsonValue({ noUnicodeString: false, maxDepth: 2 }),
    { maxKeys: 4 },
  );
  fc.assert(fc.property(code, text, details, (code, message, details) => {
    const reply = errorReplyOf(new RpcError(code, message, { details }));
    assert.equal(reply.code, code);
    assert.equal(reply.message, message);
    // JSON knows no -0, and keys like __proto__ are plain keys in it.
    const plain = JSON.parse(JSON.stringify({ ...details }));
    assert.equal(JSON.stringify(reply.details), JSON.stringify(plain));
    assert.equal(reply.remote, true);
    assert.equal(reply.maybeExecuted, true);
  }));
});

Deno.test("details that JSON can't hold do not cost the reply", () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  for (const details of [{ id: 5n }, loop]) {
    const reply = errorReplyOf(new RpcError("aborted", "why", { details }));
    assert.equal(reply.code, "aborted");
    assert.equal(reply.message, "why");
  }
});

Deno.test("both type and content type make an error reply", () => {
  const body = new TextEncoder().encode('{"code":"aborted"}');
  const kind = (properties: MessageProperties) =>
    decodeReply(delivered(properties, body)) instanceof RpcError;
  const contentType = ERROR_CONTENT_TYPE;
  assert.equal(kind({ type: ERROR_TYPE, contentType }), true);
  assert.equal(kind({ type: ERROR_TYPE }), false);
  assert.equal(kind({ contentType }), false);
  assert.equal(kind({}), false);
});

Deno.test("error replies of others are understood as far as can be", () => {
  const decode = (body: string) => {
    const properties = { type: ERROR_TYPE, contentType: ERROR_CONTENT_TYPE };
    const bytes = new TextEncoder().encode(body);
    const error = decodeReply(delivered(properties, bytes));
    assert.ok(error instanceof RpcError);
    return [error.code, error.message];
  };
  assert.deepEqual(decode('{"code":"aborted","title":"T"}'), ["aborted", "T"]);
  assert.deepEqual(decode('{"code":"E42","detail":"d"}'), ["unknown", "d"]);
  assert.deepEqual(decode("no JSON"), ["unknown", "no JSON"]);
  assert.deepEqual(decode("7"), ["unknown", "7"]);
  const none = "the server sent an error without a detail";
  assert.deepEqual(decode("{}"), ["unknown", none]);
  assert.deepEqual(decode('{"detail":{},"code":[]}'), ["unknown", none]);
});

Deno.test("no reply that a stranger sends makes decoding throw", () => {
  const properties = { type: ERROR_TYPE, contentType: ERROR_CONTENT_TYPE };
  const bodies = fc.oneof(
    fc.uint8Array(),
    fc.json().map((json) => new TextEncoder().encode(json)),
    fc.constant(new Uint8Array(0)),
  );
  fc.assert(fc.property(bodies, (body) => {
    assert.ok(decodeReply(delivered(properties, body)) instanceof RpcError);
  }));
});
