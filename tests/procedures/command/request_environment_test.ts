// Tests of src/procedures/command/request_environment.ts.

import assert from "node:assert/strict";
import {
  requestEnvironment,
  withholdHeaders,
} from "../../../src/procedures/command/request_environment.ts";
import { RpcError } from "../../../src/rpc/errors.ts";
import type { MessageHeaders } from "../../../src/rpc/messages.ts";
import { request } from "./running.ts";

function headersOf(headers: MessageHeaders): Record<string, string> {
  const env = requestEnvironment(request("", { headers }), Infinity);
  const names = Object.keys(env).filter((name) => name.includes("_HEADER_"));
  return Object.fromEntries(
    names.map((name) => [name.replace("RABBIT_RPC_HEADER_", ""), env[name]!]),
  );
}

function refusal(properties: Parameters<typeof request>[1]): RpcError {
  try {
    requestEnvironment(request("", properties), Infinity);
  } catch (error) {
    assert.ok(error instanceof RpcError);
    return error;
  }
  assert.fail("it was not refused");
}

Deno.test("properties of the request are variables", () => {
  const properties = {
    correlationId: "c 1",
    messageId: "m",
    type: "resize",
    contentType: "image/png",
    contentEncoding: "gzip",
    priority: 7,
    userId: "guest",
    appId: "shop",
    timestamp: new Date(86_400_000),
    headers: { "x-user": "$(id); `id` 'é\n" },
  };
  const env = requestEnvironment(request("", properties), Infinity);
  assert.deepEqual(env, {
    RABBIT_RPC_CORRELATION_ID: "c 1",
    RABBIT_RPC_MESSAGE_ID: "m",
    RABBIT_RPC_REQUEST_TYPE: "resize",
    RABBIT_RPC_REQUEST_CONTENT_TYPE: "image/png",
    RABBIT_RPC_REQUEST_CONTENT_ENCODING: "gzip",
    RABBIT_RPC_REQUEST_PRIORITY: "7",
    RABBIT_RPC_REQUEST_USER_ID: "guest",
    RABBIT_RPC_REQUEST_APP_ID: "shop",
    RABBIT_RPC_REQUEST_TIMESTAMP: "1970-01-02T00:00:00.000Z",
    RABBIT_RPC_TIMEOUT_MS: "",
    RABBIT_RPC_DEADLINE: "",
    TRACEPARENT: "",
    TRACESTATE: "",
    RABBIT_RPC_HEADER_X_USER: "$(id); `id` 'é\n",
    RABBIT_RPC_REQUEST_HEADERS: "X_USER",
  });
});

Deno.test("what a request lacks is empty, not inherited", () => {
  assert.deepEqual(requestEnvironment(request(), Infinity), {
    RABBIT_RPC_CORRELATION_ID: "",
    RABBIT_RPC_MESSAGE_ID: "",
    RABBIT_RPC_REQUEST_TYPE: "",
    RABBIT_RPC_REQUEST_CONTENT_TYPE: "",
    RABBIT_RPC_REQUEST_CONTENT_ENCODING: "",
    RABBIT_RPC_REQUEST_PRIORITY: "",
    RABBIT_RPC_REQUEST_USER_ID: "",
    RABBIT_RPC_REQUEST_APP_ID: "",
    RABBIT_RPC_REQUEST_TIMESTAMP: "",
    RABBIT_RPC_REQUEST_HEADERS: "",
    RABBIT_RPC_TIMEOUT_MS: "",
    RABBIT_RPC_DEADLINE: "",
    TRACEPARENT: "",
    TRACESTATE: "",
  });
});

Deno.test("the deadline is told as a time, and as what is left", () => {
  const deadlineMs = Date.now() + 30_000.5;
  const env = requestEnvironment(request(), deadlineMs);
  assert.equal(env.RABBIT_RPC_DEADLINE, String(Math.floor(deadlineMs)));
  assert.match(env.RABBIT_RPC_TIMEOUT_MS!, /^(29\d{3}|3000[01])$/);
  const late = requestEnvironment(request(), Date.now() - 5_000);
  assert.equal(late.RABBIT_RPC_TIMEOUT_MS, "0");
});

Deno.test("the trace is told as OpenTelemetry does", () => {
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const headers = { traceparent, tracestate: "shop=1" };
  const env = requestEnvironment(request("", { headers }), Infinity);
  assert.equal(env.TRACEPARENT, traceparent);
  assert.equal(env.TRACESTATE, "shop=1");
  const odd = { traceparent: 7, tracestate: true };
  const other = requestEnvironment(request("", { headers: odd }), Infinity);
  assert.equal(other.TRACEPARENT, "");
  assert.equal(other.TRACESTATE, "");
});

Deno.test("headers with one value are text, others are left out", () => {
  const headers = {
    text: "a",
    whole: 1,
    big: 2n ** 60n,
    yes: true,
    at: new Date(0),
    never: new Date(NaN),
    nothing: null,
    missing: undefined,
    bytes: Uint8Array.of(1),
    list: [1, 2],
    table: { a: 1 },
  };
  assert.deepEqual(headersOf(headers), {
    TEXT: "a",
    WHOLE: "1",
    BIG: "1152921504606846976",
    YES: "true",
    AT: "1970-01-01T00:00:00.000Z",
  });
});

Deno.test("names of headers are made names of variables", () => {
  assert.deepEqual(headersOf({ "a-B.c=d e\0ß": "1", "": "2" }), {
    "A_B_C_D_E_SS": "1",
    "": "2",
  });
});

Deno.test("what an environment can't hold is refused, not dropped", () => {
  for (
    const [properties, source] of [
      [{ correlationId: "a\0b" }, "correlation_id"],
      [{ messageId: "\0" }, "message_id"],
      [{ type: "a\0" }, "type"],
      [{ userId: "a\0" }, "user_id"],
      [{ appId: "a\0" }, "app_id"],
      [{ headers: { "x-user": "root\0" } }, 'header "x-user"'],
    ] as const
  ) {
    const { code, message } = refusal(properties);
    assert.equal(code, "invalid_argument");
    const expected =
      `${source} can't be passed to a command: it contains a NUL`;
    assert.equal(message, expected);
  }
});

Deno.test("two headers of one variable are refused", () => {
  const { code, message } = refusal({ headers: { "x-user": 1, "X_User": 2 } });
  assert.equal(code, "invalid_argument");
  assert.match(message, /"X_User".*RABBIT_RPC_HEADER_X_USER/);
});

Deno.test("more than 64 KiB are refused, with the limit", () => {
  const others = requestEnvironment(request(), Infinity);
  // Its name stands once more in RABBIT_RPC_REQUEST_HEADERS.
  const most = 64 * 1024 - "RABBIT_RPC_HEADER_A".length - "A".length -
    Object.entries(others).flat().join("").length;
  assert.equal(headersOf({ a: "x".repeat(most) }).A!.length, most);
  const { code, message } = refusal({ headers: { a: "x".repeat(most + 1) } });
  assert.equal(code, "resource_exhausted");
  assert.match(message, /^headers can't be passed .* 65536 bytes$/);
});

Deno.test("the headers of one's own request reach no child", () => {
  const headers = { "x-user": "ann", "x.y": 1 };
  const own = requestEnvironment(request("", { headers }), Infinity);
  const env = new Map(Object.entries({ ...own, PATH: "/bin" }));
  withholdHeaders({ get: (n) => env.get(n), delete: (n) => env.delete(n) });
  const left = [...env.keys()].filter((name) => name.includes("HEADER_"));
  assert.deepEqual(left, []);
  assert.equal(env.get("PATH"), "/bin");
  withholdHeaders({ get: () => undefined, delete: assert.fail });
});
