// Tests of src/rpc/serving/server.ts: what strangers send and procedures throw must
// neither end the server nor cost anybody a reply. (In a file of its own: an
// exception that nobody catches ends all tests of a file.)

import assert from "node:assert/strict";
import { RpcError } from "../../../src/rpc/errors.ts";
import type { Procedure, RpcResult } from "../../../src/rpc/procedure.ts";
import type { MessageProperties } from "../../../src/rpc/messages.ts";
import { Scene } from "../../support/serving.ts";
import { turns } from "../../support/within.ts";

const ours = () => ({ "rpc-deadline": Date.now() + 30_000 });

/** Asks once for something awkward, and once more for something plain. */
async function survives(
  procedure: Procedure,
  properties: MessageProperties = {},
): Promise<string> {
  const scene = new Scene((request, context) =>
    request.text() === "plain" ? "fine" : procedure(request, context)
  );
  await using _server = await scene.serve({ graceMs: 1 });
  scene.ask("awkward", properties);
  await turns();
  scene.ask("plain");
  await turns();
  assert.deepEqual(scene.eventsOf("interrupted"), []);
  await scene.broker.seen("ack 1");
  await scene.broker.seen("ack 2");
  const first = await scene.broker.take(scene.callback);
  assert.equal((await scene.broker.take(scene.callback)).text, "fine");
  return first.text;
}

function thrower(thrown: unknown, late: boolean): Procedure {
  return () => {
    if (late) return Promise.reject(thrown);
    throw thrown;
  };
}

for (const late of [false, true]) {
  const how = late ? "rejected with" : "thrown";

  Deno.test(`${how}: an object that can't be made text`, async () => {
    const reply = await survives(thrower(Object.create(null), late));
    assert.equal(JSON.parse(reply).code, "internal");
  });

  Deno.test(`${how}: details that JSON can't hold`, async () => {
    const error = new RpcError("aborted", "why", { details: { id: 5n } });
    const reply = await survives(thrower(error, late));
    assert.equal(JSON.parse(reply).code, "aborted");
    assert.equal(JSON.parse(reply).detail, "why");
  });

  Deno.test(`${how} for a repeatable call: a result that can't be sent`, async () => {
    const big = 5n as unknown as RpcResult;
    const procedure = () => late ? Promise.resolve(big) : big;
    const properties = { messageId: "m", headers: ours() };
    const reply = await survives(procedure, properties);
    assert.equal(JSON.parse(reply).code, "internal");
  });
}

// A header table may have any keys.
const table = { valueOf: "x", toString: "y" };

for (const name of ["rpc-deadline", "x-delivery-count"]) {
  Deno.test(`a malicious header: ${name}`, async () => {
    const headers = { ...ours(), [name]: table };
    const reply = await survives((request) => request.text(), { headers });
    assert.equal(reply, "awkward");
  });
}
