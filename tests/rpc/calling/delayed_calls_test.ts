// Tests of src/rpc/calling/delayed_calls.ts.

import assert from "node:assert/strict";
import { type Call, newCall } from "../../../src/rpc/calling/call.ts";
import type { CallOptions } from "../../../src/rpc/calling/call_options.ts";
import {
  DelayedCalls,
  isReady,
} from "../../../src/rpc/calling/delayed_calls.ts";
import { Inspections } from "../../../src/rpc/calling/inspections.ts";
import { PendingCall, PendingCalls } from "../../../src/rpc/calling/pending.ts";
import type { Requester } from "../../../src/rpc/calling/requester.ts";
import type { Requesters } from "../../../src/rpc/calling/requesters.ts";
import { RpcError } from "../../../src/rpc/errors.ts";
import { turns } from "../../support/within.ts";

const NO_TIME = new RpcError("deadline_exceeded", "too late");

/** Calls that wait for a connection that the test unblocks. */
function scene(maxBytes: number) {
  const table: PendingCalls = new PendingCalls({
    onDeadline: () => {},
    onRefused: () => {},
    onUnsent: (pending) => delayed.take(pending),
  });
  const sent: string[] = [];
  const connection = {
    unblocked: undefined as Promise<void> | undefined,
    obstacle: "the broker is short of memory",
  };
  const requester = {
    connection,
    isLost: false,
    send(pending: PendingCall, call: Call) {
      pending.sent = true;
      sent.push(new TextDecoder().decode(call.body));
    },
  } as unknown as Requester;
  const requesters = {
    current: requester,
    // Whether there is a server is not known within the test.
    open: () => new Promise(() => {}),
  } as unknown as Requesters;
  const inspections = new Inspections();
  const delayed = new DelayedCalls(table, requesters, inspections, maxBytes);
  const call = (body: string, options: CallOptions = {}) => {
    const call = newCall("q", body, options);
    const pending = new PendingCall(table, call, () => {}, () => {});
    table.add(pending);
    if (!options.requireConsumer && isReady(requester, call)) {
      requester.send(pending, call);
    } else delayed.add(pending, call);
    return pending;
  };
  const prepare = (body: string) => call(body, { requireConsumer: true });
  const block = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    connection.unblocked = promise;
    return () => {
      connection.unblocked = undefined;
      resolve();
    };
  };
  const end = () => table.failAll(() => NO_TIME);
  const lose = () => Object.assign(requester, { isLost: true });
  return { call, block, sent, table, end, delayed, prepare, lose };
}

Deno.test("calls wait for the connection, and are sent in order", async () => {
  const { call, block, sent, end } = scene(100);
  call("1");
  const unblock = block();
  for (const body of ["2", "3", "4"]) call(body);
  assert.deepEqual(sent, ["1"]);
  unblock();
  await turns();
  assert.deepEqual(sent, ["1", "2", "3", "4"]);
  call("5");
  assert.equal(sent.at(-1), "5");
  end();
});

Deno.test("what waits for an answer first is not sent before it", async () => {
  const { call, block, sent, end, delayed, prepare } = scene(100);
  const unblock = block();
  const preparing = prepare("wants a consumer");
  call("1");
  unblock();
  await turns();
  assert.deepEqual(sent, ["1"]);
  assert.ok(delayed.take(preparing));
  end();
});

Deno.test("a connection that is lost while it is blocked is sent nothing", async () => {
  const { call, block, sent, end, lose } = scene(100);
  const unblock = block();
  const pending = call("1");
  lose();
  unblock();
  await turns();
  assert.deepEqual(sent, []);
  assert.equal(pending.sent, false);
  end();
});

Deno.test("a connection that is blocked again is waited for again", async () => {
  const { call, block, sent, end } = scene(100);
  const unblock = block();
  call("1");
  unblock();
  const unblockAgain = block();
  await turns();
  call("2");
  assert.deepEqual(sent, []);
  unblockAgain();
  await turns();
  assert.deepEqual(sent, ["1", "2"]);
  end();
});

Deno.test("more bytes than may wait are refused, and told why", () => {
  const { call, block, end } = scene(10);
  block();
  call("123456");
  call("1234");
  assert.throws(() => call("1"), {
    code: "resource_exhausted",
    reason: "overloaded",
    message: /are already waiting to be sent: the broker is short of memory/,
  });
  end();
});

Deno.test("a single body may be larger", async () => {
  const { call, block, sent, end } = scene(10);
  const unblock = block();
  call("123456789012");
  assert.throws(() => call("1"), { reason: "overloaded" });
  unblock();
  await turns();
  assert.equal(sent.length, 1);
  end();
});

Deno.test("a call that is over makes room, and is not sent", async () => {
  const { call, block, sent, table, end } = scene(10);
  const unblock = block();
  const { correlationId } = call("1234567890");
  table.settle(correlationId, NO_TIME);
  call("0987654321");
  unblock();
  await turns();
  assert.deepEqual(sent, ["0987654321"]);
  end();
});
