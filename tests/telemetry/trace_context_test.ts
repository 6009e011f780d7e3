// W3C Trace Context in message headers, both ways.

import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import assert from "node:assert/strict";
import type { MessageHeaders } from "../../src/rpc/messages.ts";
import { spanOf, withSpan } from "../../src/telemetry/trace_context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const PARENT = `00-${TRACE}-${SPAN}-01`;

/** A span that is what these headers say. */
function read(headers: MessageHeaders) {
  return trace.getSpanContext(spanOf(headers, ROOT_CONTEXT));
}

Deno.test("a traceparent is read as a remote span", () => {
  const spanContext = read({ traceparent: PARENT, other: 1 });
  assert.deepEqual(
    { ...spanContext, traceState: undefined },
    {
      traceId: TRACE,
      spanId: SPAN,
      traceFlags: 1,
      isRemote: true,
      traceState: undefined,
    },
  );
});

Deno.test("of a later version only the known part is read", () => {
  assert.equal(read({ traceparent: `cc-${TRACE}-${SPAN}-01-x` })?.spanId, SPAN);
});

const BAD: [string, unknown][] = [
  ["missing", undefined],
  ["a number", 7],
  ["bytes", new Uint8Array(55)],
  ["empty", ""],
  ["too short", PARENT.slice(0, -1)],
  ["too long", `${PARENT}-00`],
  ["upper case", PARENT.toUpperCase()],
  ["of the version that can't be", `ff-${TRACE}-${SPAN}-01`],
  ["of no trace", `00-${"0".repeat(32)}-${SPAN}-01`],
  ["of no span", `00-${TRACE}-${"0".repeat(16)}-01`],
];

for (const [what, traceparent] of BAD) {
  Deno.test(`a traceparent that is ${what} is none`, () => {
    const headers = { traceparent } as MessageHeaders;
    assert.equal(read(headers), undefined);
  });
}

Deno.test("what is read is written, with the state of other tracers", () => {
  const headers = { traceparent: PARENT, tracestate: "a=1,b=2" };
  const context = spanOf(headers, ROOT_CONTEXT);
  const span = trace.getSpan(context)!;
  assert.deepEqual(withSpan({ own: "x" }, span, context), {
    own: "x",
    ...headers,
  });
});

Deno.test("a span without a state has that of its remote parent", () => {
  const context = spanOf(
    { traceparent: PARENT, tracestate: "a=1" },
    ROOT_CONTEXT,
  );
  const child = trace.wrapSpanContext({
    traceId: TRACE,
    spanId: "00f067aa0ba902b7",
    traceFlags: 0,
  });
  assert.deepEqual(
    withSpan(undefined, child, trace.setSpan(context, child)),
    { traceparent: `00-${TRACE}-00f067aa0ba902b7-00`, tracestate: "a=1" },
  );
});

Deno.test("a state goes with its own parent only", () => {
  const own = trace.getSpan(spanOf({ traceparent: PARENT }, ROOT_CONTEXT))!;
  const headers = withSpan({ tracestate: "of=another" }, own, ROOT_CONTEXT);
  assert.deepEqual(headers, { traceparent: PARENT });
});

Deno.test("a span that records nothing changes no header", () => {
  const none = trace.wrapSpanContext({
    traceId: "",
    spanId: "",
    traceFlags: 0,
  });
  assert.deepEqual(withSpan({ own: "x" }, none, ROOT_CONTEXT), { own: "x" });
});
