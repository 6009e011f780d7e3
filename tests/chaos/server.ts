// A server of a chaos run: tells each execution, drains on SIGTERM.

import { delay } from "../../src/async/delay.ts";
import type { Procedure } from "../../src/mod.ts";
import {
  AmqpTransport,
  connectSettings,
  RpcServer,
} from "../../src/transport.ts";
import { answerTo, callNumber, workMs } from "./calls.ts";
import { say, type ServerArguments } from "./messages.ts";

const procedure: Procedure = async (request, context) => {
  const { correlationId, messageId } = request;
  const body = request.text();
  const call = callNumber(body);
  const startMs = Date.now();
  say({ type: "execution", call, startMs, messageId, correlationId });
  const ms = workMs(call);
  if (ms > 0) await delay(ms);
  const isCalledOff = context.signal.aborted;
  say({ type: "executed", call, correlationId, isCalledOff });
  return answerTo(body);
};

async function main(options: ServerArguments): Promise<void> {
  const { urls, name, queue, heartbeatMs, queueType, concurrency } = options;
  await using transport = new AmqpTransport(connectSettings(urls, {
    name,
    heartbeatMs,
    connectTimeoutMs: 3_000,
    onEvent: ({ type }) => {
      if (type === "blocked") say({ type });
    },
  }));
  const server = new RpcServer(transport, queue, procedure, {
    concurrency,
    declare: { type: queueType },
    onEvent: ({ type }) => {
      if (type === "consuming") say({ type });
    },
  });
  const onSignal = () => void server.stop();
  Deno.addSignalListener("SIGTERM", onSignal);
  await server.finished;
  Deno.removeSignalListener("SIGTERM", onSignal);
  say({ type: "end", left: server.inFlight, unknownReplies: 0 });
}

await main(JSON.parse(Deno.args[0]!));
