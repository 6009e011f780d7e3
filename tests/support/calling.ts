// A client on a broker in memory, and the ways in which its calls end.

import assert from "node:assert/strict";
import { RpcClient } from "../../src/rpc/calling/client.ts";
import { type RpcCode, RpcError } from "../../src/rpc/errors.ts";
import type { ClientOptions } from "../../src/rpc/calling/client_options.ts";
import { FakeBroker } from "./fake_transport.ts";
import { within } from "./within.ts";

/** A client on a broker that has the queue "q"; nobody consumes it. */
export function start(options: ClientOptions = {}) {
  const broker = new FakeBroker();
  const transport = broker.connect();
  const client = new RpcClient(transport, options);
  broker.declare("q");
  const end = () => client.close();
  return { broker, transport, client, [Symbol.asyncDispose]: end };
}

/** Waits for a request in "q" and answers it. */
export async function answer(broker: FakeBroker, body = "done"): Promise<void> {
  const { properties } = await broker.take("q");
  broker.send(properties.replyTo!, body, {
    correlationId: properties.correlationId,
  });
}

/** What a call failed with. */
export async function failure(call: Promise<unknown>): Promise<RpcError> {
  const outcome = within("the call's end", call);
  let error: unknown;
  try {
    await outcome;
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error instanceof RpcError, `failed with ${error}`);
  return error;
}

export function sees(error: RpcError, code: RpcCode, reason?: string): void {
  assert.deepEqual([error.code, error.reason], [code, reason], error.message);
}

/** Waits until what lies in the callback queue has been read. */
export async function read(
  client: RpcClient,
  broker: FakeBroker,
  replyTo: string,
): Promise<void> {
  const call = client.call("q", "");
  const { properties: { correlationId } } = await broker.take("q");
  broker.send(replyTo, "", { correlationId });
  await call;
}
