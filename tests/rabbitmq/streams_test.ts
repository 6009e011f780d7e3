// Streams over brokers: order, flow control, lost connections, servers and
// callers; on RabbitMQ and on the development broker alike.

import assert from "node:assert/strict";
import * as z from "zod";
import { delay } from "../../src/async/delay.ts";
import { startBroker } from "../../src/broker/broker.ts";
import {
  connect,
  type Contract,
  implement,
  type Procedure,
  type RpcConnection,
  type RpcReply,
  streamOf,
} from "../../src/mod.ts";
import { failure } from "../support/calling.ts";
import { test } from "../support/needs.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import { within } from "../support/within.ts";

/** A test on both brokers; it gets the URL, and a queue of its own. */
function onBrokers(
  name: string,
  fn: (url: string, queue: string) => Promise<void>,
): void {
  const queue = `streams-${crypto.randomUUID()}`;
  test(`${name} (development broker)`, async () => {
    await using broker = await startBroker();
    await fn(broker.url, queue);
  });
  rabbitMqTest(`${name} (RabbitMQ)`, async () => {
    const { url } = await sharedRabbitMq();
    await fn(url, queue);
  });
}

/** Counts to the number in the request. */
const count: Procedure = async function* (request) {
  const last = Number(request.text());
  for (let n = 0; n < last; n++) yield String(n);
};

async function read(items: AsyncIterable<RpcReply>): Promise<string[]> {
  const texts: string[] = [];
  for await (const item of items) texts.push(item.text());
  return texts;
}

function upTo(last: number): string[] {
  return Array.from({ length: last }, (_, n) => `${n}`);
}

/** A server's connection and a caller's, which is closed first. */
async function twoOf(url: string) {
  const serving = await connect(url);
  const calling = await connect(url);
  return {
    serving,
    calling,
    async [Symbol.asyncDispose]() {
      await calling.close();
      await serving.close();
    },
  };
}

onBrokers(
  "20,000 items come in order, in ten streams at once",
  async (url, q) => {
    await using both = await twoOf(url);
    const { serving, calling } = both;
    await using server = await serving.serve(q, count);
    const all = Array.from(
      { length: 10 },
      () => read(calling.stream(q, 2_000)),
    );
    for (const texts of await within("all items", Promise.all(all), 60_000)) {
      assert.deepEqual(texts, upTo(2_000));
    }
    assert.deepEqual(calling.stats, { inFlight: 0, unknownReplies: 0 });
    await waitUntil("no open stream", () => server.streams.open === 0, 10_000);
  },
);

onBrokers("items of all sizes come as they are", async (url, q) => {
  await using both = await twoOf(url);
  const { serving, calling } = both;
  const sizes = [0, 1, 4_000, 130_000, 131_073, 3_000_000, 2_000_000, 7];
  await using _server = await serving.serve(q, async function* () {
    for (const size of sizes) yield new Uint8Array(size).fill(size % 251);
  });
  const options = { creditBytes: 100_000 };
  const seen: number[] = [];
  for await (const { bytes } of calling.stream(q, "", options)) {
    assert.ok(bytes.every((byte) => byte === bytes.length % 251));
    seen.push(bytes.length);
  }
  assert.deepEqual(seen, sizes);
});

onBrokers(
  "a reader that stops stops the procedure, within its credit",
  async (url, q) => {
    await using both = await twoOf(url);
    const { serving, calling } = both;
    let made = 0;
    await using server = await serving.serve(q, async function* () {
      while (true) yield String(made++);
    }, { graceMs: 0 });
    const reader = calling.stream(q, "", { credit: 50 })[
      Symbol.asyncIterator
    ]();
    for (let n = 0; n < 500; n++) {
      assert.equal((await reader.next()).value.text(), `${n}`);
    }
    await waitUntil("a stall", () => server.streams.stalled === 1, 10_000);
    assert.ok(made >= 500 && made <= 550, `${made}`);
    // Other calls and streams go on beside it.
    assert.equal((await reader.next()).done, false);
    await reader.return!();
    await waitUntil("the end", () => server.streams.open === 0, 10_000);
  },
);

/** Counts for ever, slowly. */
const slowly: Procedure = async function* (_, { signal }) {
  for (let n = 0;; n++) {
    await delay(5, signal);
    yield String(n);
  }
};

onBrokers(
  "a stream that has begun may be run again, however long ago that was",
  async (url, q) => {
    await using both = await twoOf(url);
    const { serving, calling } = both;
    await using other = await connect(url);
    const options = { graceMs: 0 };
    const server = await serving.serve(q, slowly, options);
    const beganMs = performance.now();
    const idleTimeoutMs = 1_000;
    const limits = { idleTimeoutMs, restart: "skip" as const };
    let atLoss = Infinity;
    let n = 0;
    for await (const item of calling.stream(q, "", limits)) {
      assert.equal(item.text(), `${n++}`);
      if (n > atLoss + 10) break;
      if (atLoss < n || performance.now() < beganMs + idleTimeoutMs) continue;
      atLoss = n;
      await other.serve(q, slowly, options);
      await server.stop();
    }
    assert.ok(n > atLoss);
  },
);

onBrokers(
  "a caller that closes its connection ends the procedure",
  async (url, q) => {
    await using serving = await connect(url);
    const calling = await connect(url);
    const ended = Promise.withResolvers<void>();
    await using _server = await serving.serve(q, async function* () {
      try {
        while (true) yield "x";
      } finally {
        ended.resolve();
      }
    }, { graceMs: 0 });
    const reader = calling.stream(q, "")[Symbol.asyncIterator]();
    await reader.next();
    await calling.close();
    assert.equal((await failure(unread(reader))).reason, "closed");
    await within("the procedure's end", ended.promise);
  },
);

/** Reads to the end. */
async function unread(reader: AsyncIterator<RpcReply>): Promise<void> {
  while (!(await reader.next()).done);
}

onBrokers(
  "a plain call of a streaming procedure gets one reply",
  async (url, q) => {
    await using both = await twoOf(url);
    const { serving, calling } = both;
    await using _server = await serving.serve(q, count);
    assert.equal((await calling.call(q, 5)).text(), "01234");
  },
);

onBrokers("a contract has streams", async (url, q) => {
  await using both = await twoOf(url);
  const contract = {
    squares: { input: z.int(), output: streamOf(z.int()) },
    double: { input: z.int(), output: z.int() },
  } satisfies Contract;
  await using _server = await both.serving.serve(
    q,
    implement(contract, {
      async *squares(last) {
        for (let n = 1; n <= last; n++) yield n === 4 ? NaN : n * n;
      },
      double: (n) => 2 * n,
    }),
  );
  const api = both.calling.client(contract, q);
  const seen: number[] = [];
  for await (const n of api.squares(3)) seen.push(n);
  assert.deepEqual([seen, await api.double(4)], [[1, 4, 9], 8]);
  const wrong = api.squares(5)[Symbol.asyncIterator]();
  for (let n = 0; n < 3; n++) await wrong.next();
  const { code, message } = await failure(wrong.next());
  assert.equal(code, "internal");
  assert.match(message, /^squares returned invalid output/);
  const joined = await both.calling.call(q, 2, { type: "squares" });
  assert.deepEqual(joined.json(), [1, 4]);
});

onBrokers(
  "a call within a call has its deadline, its trace and its end",
  async (url, q) => {
    await using both = await twoOf(url);
    const { serving, calling } = both;
    const seen = Promise.withResolvers<Record<string, unknown>>();
    const ended = Promise.withResolvers<void>();
    await using _inner = await serving.serve(
      `${q}-inner`,
      async function* (request, { signal, deadlineMs }) {
        const { traceparent, tenant, secret } = request.headers;
        const leftMs = deadlineMs - Date.now();
        seen.resolve({ traceparent, tenant, secret, isSoon: leftMs <= 5_000 });
        yield "one";
        await new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            ended.resolve();
            reject(signal.reason);
          });
        });
      },
    );
    await using _outer = await serving.serve(q, async (_, context) => {
      const within = { within: context, passHeaders: ["tenant"] };
      for await (const _item of serving.stream(`${q}-inner`, "", within));
    });
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const aborting = new AbortController();
    const call = calling.call(q, "", {
      timeoutMs: 5_000,
      signal: aborting.signal,
      headers: { traceparent, tenant: "blue", secret: "x" },
    });
    call.catch(() => {});
    assert.deepEqual(await within("the inner call", seen.promise), {
      traceparent,
      tenant: "blue",
      secret: undefined,
      isSoon: true,
    });
    aborting.abort();
    await within("the end of the tree", ended.promise);
  },
);

test("a stream goes on after the server's connection was lost", async () => {
  await using broker = await startBroker();
  await using both = await twoOf(broker.url);
  const { serving, calling } = both;
  await using _server = await serving.serve("q", count);
  const texts: string[] = [];
  for await (const item of calling.stream("q", 2_000, { credit: 20 })) {
    texts.push(item.text());
    if (texts.length % 500 !== 0) continue;
    // The caller's stays what it is; the server's is another each time.
    const [oldest, newest] = broker.connections;
    (texts.length === 500 ? oldest : newest)!.drop();
  }
  assert.deepEqual(texts, upTo(2_000));
});

onBrokers(
  "a request comes back though the time for an item has passed since",
  async (url, queue) => {
    await using both = await twoOf(url);
    const { serving, calling } = both;
    const serve = () =>
      serving.serve(queue, async function* ({ redelivered }, { signal }) {
        for (let n = 0; n < 12; n++) {
          yield `${n}`;
          if (!redelivered) await delay(150, signal);
        }
      }, { graceMs: 0 });
    const first = await serve();
    const texts: string[] = [];
    const options = { restart: "skip", idleTimeoutMs: 1_000 } as const;
    for await (const item of calling.stream(queue, "", options)) {
      texts.push(item.text());
      if (texts.length !== 9) continue;
      await first.stop();
      await serve();
    }
    assert.deepEqual(texts, upTo(12));
  },
);

test("a stream waits while the broker is blocked, and goes on in order", async () => {
  await using broker = await startBroker();
  await using both = await twoOf(broker.url);
  const { serving, calling } = both;
  await using _server = await serving.serve("q", count);
  const texts: string[] = [];
  const faults: Promise<void>[] = [];
  for await (const item of calling.stream("q", 3_000, { credit: 100 })) {
    texts.push(item.text());
    if (texts.length % 1_000 !== 0) continue;
    const fault = broker.block();
    const [server] = broker.connections;
    await broker.waitFor(() => server!.blocked);
    faults.push(delay(20).then(() => fault.end()));
  }
  await Promise.all(faults);
  assert.deepEqual(texts, upTo(3_000));
});

/** What comes of a stream of ten items whose first server is lost after five. */
async function afterLoss(
  restart: "abort" | "skip",
  other: (n: number) => string,
) {
  await using broker = await startBroker();
  await using first = await connect(broker.url);
  await using second = await connect(broker.url);
  await using calling = await connect(broker.url);
  const five = Promise.withResolvers<void>();
  const serve = (rpc: RpcConnection, text: (n: number) => string, at = -1) =>
    rpc.serve("q", async function* () {
      for (let n = 0; n < 10; n++) {
        if (n === at) await five.promise;
        yield text(n);
      }
    }, { graceMs: 0, concurrency: 1, prefetch: 1 });
  await using _first = await serve(first, (n) => `${n}`, 5);
  const texts: string[] = [];
  const options = { restart };
  const reading = (async () => {
    for await (const item of calling.stream("q", "", options)) {
      texts.push(item.text());
      if (texts.length !== 5) continue;
      await serve(second, other);
      broker.connections[0]!.drop();
    }
  })();
  const error = await reading.then(() => undefined, (error) => error);
  five.resolve();
  return { texts, error };
}

test("another server's run ends a stream of which items have come", async () => {
  const { texts, error } = await afterLoss("abort", (n) => `${n}`);
  assert.deepEqual(texts, upTo(5));
  assert.deepEqual([error.code, error.details.items], ["aborted", 5]);
});

test("with restart: skip another server goes on", async () => {
  const { texts, error } = await afterLoss("skip", (n) => `${n}`);
  assert.deepEqual([texts, error], [upTo(10), undefined]);
});

test("another server that gives something else is never mixed in", async () => {
  const { texts, error } = await afterLoss("skip", (n) => `other ${n}`);
  assert.deepEqual(texts, upTo(5));
  assert.equal(error.code, "aborted");
});
