// A client of a chaos run: makes numbered calls, as far as stdin lets it, and
// tells how each ended. The lines of stdin are the numbers that it may go to.

import { delay } from "../../src/async/delay.ts";
import { type CallOptions, RpcConnection, RpcError } from "../../src/mod.ts";
import { AmqpTransport, connectSettings } from "../../src/transport.ts";
import { answerTo, isPersistent, isPlain, requestBody } from "./calls.ts";
import { readLines } from "./lines.ts";
import type { CallTerms, End } from "../rules/records.ts";
import { type ClientArguments, say } from "./messages.ts";

/** Without retries. */
const PLAIN: CallOptions & CallTerms = { timeoutMs: 10_000 };
/** Waits for a deleted queue too, since it is deleted more than once. */
const RETRIED: CallOptions & CallTerms = {
  timeoutMs: 60_000,
  retries: 20,
  attemptTimeoutMs: 5_000,
  wait: true,
};

/** Lets calls pass up to a number. */
class Gate {
  #upTo = 0;
  #news = Promise.withResolvers<void>();

  open(upTo: number): void {
    this.#upTo = Math.max(this.#upTo, upTo);
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  async passed(call: number): Promise<void> {
    while (call > this.#upTo) await this.#news.promise;
  }
}

async function main(options: ClientArguments): Promise<void> {
  const { urls, name, heartbeatMs } = options;
  await using rpc = new RpcConnection(
    new AmqpTransport(connectSettings(urls, {
      name,
      heartbeatMs,
      connectTimeoutMs: 3_000,
      onEvent: ({ type }) => {
        if (type === "blocked") say({ type });
      },
    })),
  );
  const gate = new Gate();
  const stdin = readLines(
    Deno.stdin.readable,
    (line) => gate.open(Number(line)),
  );
  await callAll(rpc, gate, options);
  const { inFlight, unknownReplies } = rpc.stats;
  say({ type: "end", left: inFlight, unknownReplies });
  await stdin;
}

async function callAll(
  rpc: RpcConnection,
  gate: Gate,
  options: ClientArguments,
): Promise<void> {
  const { first, last, step, concurrency, ratePerSecond } = options;
  const underWay = new Set<Promise<void>>();
  let dueMs = performance.now();
  for (let call = first; call <= last; call += step) {
    await gate.passed(call);
    dueMs = Math.max(dueMs + 1000 / ratePerSecond, performance.now() - 100);
    await delay(Math.max(dueMs - performance.now(), 0));
    while (underWay.size >= concurrency) await Promise.race(underWay);
    const calling = callOnce(rpc, call, options)
      .finally(() => underWay.delete(calling));
    underWay.add(calling);
  }
  await Promise.all(underWay);
}

async function callOnce(
  rpc: RpcConnection,
  call: number,
  { queue, plainShare }: ClientArguments,
): Promise<void> {
  const options = isPlain(call, plainShare) ? PLAIN : RETRIED;
  const body = requestBody(call);
  const startMs = Date.now();
  let attempts = 0;
  const ended = (end: End) => {
    const endMs = Date.now();
    say({ type: "outcome", call, options, startMs, endMs, attempts, end });
  };
  await rpc.call(queue, body, {
    ...options,
    persistent: isPersistent(call),
    onAttempt: (attempt) => attempts = attempt,
  }).then(
    (reply) => {
      const isRight = reply.text() === answerTo(body);
      ended({ type: "answer", isRight });
    },
    (thrown) => ended(failure(thrown)),
  );
}

function failure(thrown: unknown): End {
  if (!(thrown instanceof RpcError)) {
    return { type: "untyped", what: String(thrown) };
  }
  const { code, reason, message, maybeExecuted, remote } = thrown;
  const error = { code, reason, message, maybeExecuted, remote };
  return { type: "error", error };
}

await main(JSON.parse(Deno.args[0]!));
