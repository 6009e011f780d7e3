// Tests of src/rpc/calling/streams: what a client makes of whatever a server
// sends, and what it tells the server.

import assert from "node:assert/strict";
import type { StreamOptions } from "../../../../src/rpc/calling/streams/stream_options.ts";
import { RpcError } from "../../../../src/rpc/errors.ts";
import type {
  MessageHeaders,
  MessageProperties,
  RpcReply,
} from "../../../../src/rpc/messages.ts";
import { failure, start } from "../../../support/calling.ts";
import { FakeTime } from "../../../support/fake_time.ts";
import type { FakeBroker } from "../../../support/fake_transport.ts";
import { turns, within } from "../../../support/within.ts";

/** A reader of one stream, and a server of it that the test plays. */
class Played {
  readonly reader: AsyncIterator<RpcReply>;
  readonly control: string;
  readonly #broker: FakeBroker;
  #request: MessageProperties = {};

  constructor(broker: FakeBroker, items: AsyncIterable<RpcReply>) {
    this.#broker = broker;
    this.control = broker.declareUnnamed();
    this.reader = items[Symbol.asyncIterator]();
  }

  /** Begins to read; the first item, and the properties of the request. */
  async begin() {
    const first = this.next();
    first.catch(() => {});
    const { properties } = await this.#broker.take("q");
    this.#request = properties;
    return { first, properties };
  }

  async next(): Promise<string | undefined> {
    const { value, done } = await within("next", this.reader.next());
    return done ? undefined : value.text();
  }

  /** A message of the stream; with `run` it says where control messages go. */
  send(
    body: string,
    headers: MessageHeaders,
    { run, type }: { run?: string; type?: string } = {},
    control = this.control,
  ): void {
    const { correlationId, replyTo } = this.#request;
    this.#broker.send(replyTo!, body, {
      correlationId,
      ...(type && { type }),
      ...(run && { replyTo: control }),
      headers: run ? { ...headers, "rpc-run": run } : headers,
    });
  }

  /** The items from one number to before another. */
  items(from: number, to: number, run = "r1"): void {
    for (let seq = from; seq < to; seq++) {
      const first = seq === from ? { run } : {};
      this.send(`${seq}`, { "rpc-seq": seq }, first);
    }
  }

  end(count: number): void {
    this.send("", { "rpc-seq": count }, { type: "end" });
  }

  fail(problem: Record<string, string>): void {
    const { correlationId, replyTo } = this.#request;
    this.#broker.send(replyTo!, JSON.stringify(problem), {
      correlationId,
      type: "error",
      contentType: "application/problem+json",
    });
  }

  /** The next control message. */
  async told(control = this.control): Promise<MessageProperties> {
    return (await this.#broker.take(control)).properties;
  }

  get untold(): number {
    return this.#broker.inspect(this.control)!.messages;
  }
}

/** May fail before anybody looks. */
function unread<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function playing(options: StreamOptions = {}) {
  const scene = start();
  const items = scene.client.stream("q", "in", options);
  const end = () => scene.client.close();
  return {
    ...scene,
    played: new Played(scene.broker, items),
    [Symbol.asyncDispose]: end,
  };
}

/** Lets time pass, and everything run that is due. */
async function passes(time: FakeTime, ms: number): Promise<void> {
  await turns();
  time.advance(ms);
  await turns();
}

Deno.test("a request asks for a stream, and says how much may come", async () => {
  await using scene = playing({ credit: 7, creditBytes: 900 });
  const { properties } = await scene.played.begin();
  const { "rpc-start-by": startBy, ...headers } = properties.headers!;
  assert.deepEqual(headers, { "rpc-stream": 7, "rpc-credit-bytes": 900 });
  const leftMs = Number(startBy) - Date.now();
  assert.ok(leftMs > 20_000 && leftMs <= 30_001, `${leftMs}`);
  // The broker would drop the request of a stream that goes on for longer.
  assert.equal(properties.expiration, undefined);
});

Deno.test("the deadline of the whole is told where there is one", async () => {
  await using scene = playing({ timeoutMs: 60_000, headers: { h: 1 } });
  const { properties } = await scene.played.begin();
  const { headers, expiration } = properties;
  assert.equal(headers!.h, 1);
  const leftMs = Number(headers!["rpc-deadline"]) - Date.now();
  assert.ok(leftMs > 50_000 && leftMs <= 60_001, `${leftMs}`);
  assert.match(expiration!, /^(?:59|60)\d{3}$/);
});

Deno.test("items come in order, then the end", async () => {
  await using scene = playing();
  const { played, client } = scene;
  const { first } = await played.begin();
  played.items(0, 3);
  played.end(3);
  assert.deepEqual(
    [await first, await played.next(), await played.next()],
    ["0", "1", "2"],
  );
  assert.equal(await played.next(), undefined);
  assert.equal(await played.next(), undefined);
  assert.deepEqual(client.stats, { inFlight: 0, unknownReplies: 0 });
  assert.equal(played.untold, 0);
});

Deno.test("an error comes after the items before it, with their count", async () => {
  await using scene = playing();
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 2);
  played.fail({ code: "not_found", detail: "gone" });
  assert.deepEqual([await first, await played.next()], ["0", "1"]);
  const error = await failure(played.next());
  assert.deepEqual(
    [error.code, error.message, error.remote, error.details.items],
    ["not_found", "gone", true, 2],
  );
  assert.equal(await played.next(), undefined);
  assert.equal(played.untold, 0);
});

Deno.test("a server that knows nothing of streams gives a stream of one", async () => {
  await using scene = playing();
  const { played } = scene;
  const { first } = await played.begin();
  played.send("alone", {});
  assert.equal(await first, "alone");
  assert.equal(await played.next(), undefined);
});

Deno.test("nothing is sent before the stream is read", async () => {
  await using scene = playing();
  await turns();
  assert.equal(scene.broker.inspect("q")!.messages, 0);
  await scene.played.reader.return!();
  assert.equal(await scene.played.next(), undefined);
  assert.equal(scene.broker.inspect("q")!.messages, 0);
});

Deno.test("credit is granted as items are read, in batches", async () => {
  await using scene = playing({ credit: 4 });
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 4);
  await first;
  assert.equal(played.untold, 0);
  await played.next();
  const { type, headers } = await played.told();
  assert.equal(type, "credit");
  assert.equal(headers!["rpc-run"], "r1");
  assert.equal(headers!["rpc-credit"], 6);
  await played.next();
  assert.equal(played.untold, 0);
  await played.next();
  assert.equal((await played.told()).headers!["rpc-credit"], 8);
});

Deno.test("credit follows bytes where items are large", async () => {
  await using scene = playing({ credit: 1_000, creditBytes: 10 });
  const { played } = scene;
  const { first } = await played.begin();
  played.send("123456", { "rpc-seq": 0 }, { run: "r1" });
  await first;
  const { headers } = await played.told();
  assert.deepEqual(
    [headers!["rpc-credit"], headers!["rpc-credit-bytes"]],
    [1_001, 16],
  );
});

Deno.test("leaving the loop cancels the procedure", async () => {
  await using scene = playing();
  const { played, client } = scene;
  const { first } = await played.begin();
  played.items(0, 3);
  await first;
  await played.reader.return!();
  const { type, headers } = await played.told();
  assert.deepEqual([type, headers], ["cancel", { "rpc-run": "r1" }]);
  assert.equal(await played.next(), undefined);
  // What was on its way is no reply that nobody waits for.
  played.send("3", { "rpc-seq": 3 });
  await turns();
  assert.deepEqual(client.stats, { inFlight: 0, unknownReplies: 0 });
});

Deno.test("a reader who has left hears of no error", async () => {
  await using scene = playing();
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 2);
  played.fail({ code: "internal" });
  await first;
  await turns();
  await played.reader.return!();
  assert.equal(await played.next(), undefined);
});

Deno.test("a server that is not known yet is told through the exchange", async () => {
  await using scene = playing();
  const { played, broker } = scene;
  const { first } = await played.begin();
  await played.reader.return!();
  assert.equal(await first, undefined);
  assert.ok(broker.log.includes("cancel call on q"));
});

Deno.test("a signal ends a stream at once, without the items that wait", async () => {
  const aborting = new AbortController();
  await using scene = playing({ signal: aborting.signal });
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 3);
  await first;
  await turns();
  aborting.abort("enough");
  const error = await failure(played.next());
  assert.deepEqual([error.code, error.cause instanceof RpcError], [
    "canceled",
    true,
  ]);
  assert.equal((await played.told()).type, "cancel");
});

Deno.test("a stream that nobody reads any more is canceled when it is heard of", async () => {
  await using scene = playing();
  const { played } = scene;
  await played.begin();
  await played.reader.return!();
  played.send("", {}, { run: "r9", type: "alive" });
  const { type, headers } = await played.told();
  assert.deepEqual([type, headers], ["cancel", { "rpc-run": "r9" }]);
});

Deno.test("control messages go to queues alone that a broker has named", async () => {
  await using scene = playing();
  const { played, broker } = scene;
  const { first } = await played.begin();
  broker.declare("payments");
  played.send("0", { "rpc-seq": 0 }, { run: "r1" }, "payments");
  await first;
  await played.reader.return!();
  await turns();
  assert.equal(broker.inspect("payments")!.messages, 0);
});

/** What a server sends that does not keep to the rules, and what it costs. */
const BROKEN: Record<string, [(played: Played) => void, string, number]> = {
  "a gap": [(it) => (it.items(0, 2), it.items(3, 4)), "data_loss", 2],
  "an end that tells of more": [
    (it) => (it.items(0, 2), it.end(3)),
    "data_loss",
    2,
  ],
  "an end that tells of less": [
    (it) => (it.items(0, 2), it.end(1)),
    "data_loss",
    2,
  ],
  "a number that is none": [
    (it) => (it.items(0, 1), it.send("", { "rpc-seq": "x" })),
    "data_loss",
    1,
  ],
  "an end without a count": [
    (it) => (it.items(0, 1), it.send("", { "rpc-seq": -1 }, { type: "end" })),
    "data_loss",
    1,
  ],
  "more than the credit": [(it) => it.items(0, 5), "data_loss", 4],
  "a plain reply among items": [
    (it) => (it.items(0, 1), it.send("alone", {})),
    "data_loss",
    1,
  ],
  "another run": [
    (it) => (it.items(0, 2), it.items(0, 1, "r2")),
    "aborted",
    2,
  ],
};

for (const [name, [send, code, items]] of Object.entries(BROKEN)) {
  Deno.test(`a server that breaks the rules ends its stream: ${name}`, async () => {
    await using scene = playing({ credit: 4 });
    const { played } = scene;
    const { first } = await played.begin();
    send(played);
    // Nothing is granted meanwhile: all came before the first is read.
    await turns();
    const read: (string | undefined)[] = [await first];
    for (let n = 1; n < items; n++) read.push(await played.next());
    assert.deepEqual(read, ["0", "1", "2", "3"].slice(0, items));
    const error = await failure(played.next());
    assert.deepEqual([error.code, error.details.items], [code, items]);
    let told: MessageProperties;
    do told = await played.told(); while (told.type === "credit");
    assert.equal(told.type, "cancel");
  });
}

Deno.test("what a server sends again over another connection is left out", async () => {
  await using scene = playing();
  const { played, broker } = scene;
  const { first } = await played.begin();
  played.items(0, 3);
  await first;
  const other = broker.declareUnnamed();
  played.send("1", { "rpc-seq": 1 }, { run: "r1" }, other);
  played.send("2", { "rpc-seq": 2 });
  played.send("3", { "rpc-seq": 3 });
  // It is told there again what it may send.
  assert.equal((await played.told(other)).type, "credit");
  assert.deepEqual(
    [await played.next(), await played.next(), await played.next()],
    ["1", "2", "3"],
  );
});

Deno.test("another run is welcome while nothing has come", async () => {
  await using scene = playing();
  const { played } = scene;
  const { first } = await played.begin();
  played.send("", {}, { run: "r1", type: "alive" });
  played.items(0, 1, "r2");
  played.end(1);
  assert.equal(await first, "0");
  assert.equal(await played.next(), undefined);
});

Deno.test("with restart: skip another run goes on where the first was", async () => {
  await using scene = playing({ restart: "skip" });
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 3);
  assert.equal(await first, "0");
  played.items(0, 5, "r2");
  played.end(5);
  const rest = [];
  for (let n = 0; n < 4; n++) rest.push(await played.next());
  assert.deepEqual(rest, ["1", "2", "3", "4"]);
  assert.equal(await played.next(), undefined);
});

Deno.test("a reader waits while another run repeats what has come", async () => {
  using time = new FakeTime(0);
  await using scene = playing({ restart: "skip", idleTimeoutMs: 2_000 });
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 3);
  await first;
  for (const n of ["1", "2"]) assert.equal(await played.next(), n);
  const next = played.next();
  for (let seq = 0; seq < 4; seq++) {
    await passes(time, 1_500);
    played.send(`${seq}`, { "rpc-seq": seq }, seq === 0 ? { run: "r2" } : {});
  }
  assert.equal(await next, "3");
});

Deno.test("a run that differs is never mixed with the first", async () => {
  const others: ((played: Played) => void)[] = [
    (it) => {
      it.send("0", { "rpc-seq": 0 }, { run: "r2" });
      it.send("other", { "rpc-seq": 1 });
      it.send("2", { "rpc-seq": 2 });
    },
    (it) => {
      it.items(0, 1, "r2");
      it.end(1);
    },
    (it) => it.send("alone", {}, { run: "r2" }),
  ];
  for (const send of others) {
    await using scene = playing({ restart: "skip" });
    const { played } = scene;
    const { first } = await played.begin();
    played.items(0, 2);
    await first;
    send(played);
    assert.equal(await played.next(), "1");
    assert.equal((await failure(played.next())).code, "aborted");
  }
});

Deno.test("a run that goes on in the middle can't be compared", async () => {
  await using scene = playing({ restart: "skip" });
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 2);
  await first;
  played.items(2, 3, "r2");
  assert.equal(await played.next(), "1");
  const { code, details } = await failure(played.next());
  assert.deepEqual([code, details.items], ["aborted", 2]);
});

Deno.test("a server that tells nothing for 15 s is lost", async () => {
  using time = new FakeTime(0);
  await using scene = playing({ idleTimeoutMs: Infinity });
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 1);
  await first;
  const next = unread(played.reader.next());
  for (let n = 0; n < 5; n++) {
    await passes(time, 6_000);
    played.send("", {}, { run: "r1", type: "alive" });
  }
  await passes(time, 13_900);
  assert.equal(scene.client.stats.inFlight, 1);
  await passes(time, 1_000);
  const { code, message } = await failure(next);
  assert.equal(code, "unavailable");
  assert.match(message, /silent for 14s, after 1 item/);
});

Deno.test("a reader who waits too long hears it, one who does not read does not", async () => {
  using time = new FakeTime(0);
  await using scene = playing({ idleTimeoutMs: 1_000 });
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 1);
  await first;
  await passes(time, 10_000);
  played.send("1", { "rpc-seq": 1 });
  assert.equal(await played.next(), "1");
  const next = unread(played.reader.next());
  await passes(time, 1_100);
  const { code, message } = await failure(next);
  assert.equal(code, "deadline_exceeded");
  assert.equal(message, "no item came within 1s after 2 items");
  assert.equal((await played.told()).type, "cancel");
});

Deno.test("a reader who waits too long for a server that is alive hears that", async () => {
  using time = new FakeTime(0);
  await using scene = playing({ idleTimeoutMs: 6_000 });
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 1);
  await first;
  const next = unread(played.reader.next());
  await passes(time, 5_000);
  played.send("", {}, { run: "r1", type: "alive" });
  await passes(time, 2_000);
  const { message } = await failure(next);
  assert.match(
    message,
    /^no item .* after 1 item, though the server is alive$/,
  );
});

Deno.test("the whole has a deadline where it is asked for", async () => {
  using time = new FakeTime(0);
  await using scene = playing({ timeoutMs: 3_000 });
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 1);
  await first;
  for (let seq = 1; seq < 3; seq++) {
    await passes(time, 1_000);
    played.send("x", { "rpc-seq": seq });
    await played.next();
  }
  const next = unread(played.reader.next());
  await passes(time, 1_001);
  const { code, message } = await failure(next);
  assert.equal(code, "deadline_exceeded");
  assert.match(message, /did not end within 3s: 3 items came/);
});

Deno.test("a program that was stopped reads what came before it gives up", async () => {
  using time = new FakeTime(0);
  await using scene = playing();
  const { played } = scene;
  const { first } = await played.begin();
  played.items(0, 1);
  await first;
  const next = played.reader.next();
  await turns();
  time.jump(60_000);
  // The timer is late; what lies in the socket comes after it.
  time.advance(1);
  played.send("1", { "rpc-seq": 1 });
  assert.equal((await next).value.text(), "1");
});

Deno.test("without a first item a stream fails as a call does", async () => {
  await using scene = playing({ idleTimeoutMs: 50 });
  const { played } = scene;
  const { first } = await played.begin();
  const { code, message } = await failure(first);
  assert.equal(code, "unavailable", message);
  const missing = scene.client.stream("nowhere")[Symbol.asyncIterator]();
  assert.equal((await failure(missing.next())).reason, "no_queue");
});

Deno.test("with wait a stream waits for its queue", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const items = client.stream("later", "in", { wait: true });
  const played = new Played(broker, items);
  const first = played.next();
  await broker.until("a return", () => broker.log.includes("return later"));
  broker.declare("later");
  const { properties } = await broker.take("later");
  broker.send(properties.replyTo!, "here", {
    correlationId: properties.correlationId,
  });
  assert.equal(await first, "here");
});

Deno.test("a stream that waits for its queue ends with its client, or its signal", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const reason = new AbortController();
  const waiting = (signal?: AbortSignal) => {
    const options = { wait: true, ...(signal && { signal }) };
    const items = client.stream("later", "in", options);
    return unread(items[Symbol.asyncIterator]().next());
  };
  using _time = new FakeTime(performance.now());
  const [aborted, closed] = [waiting(reason.signal), waiting()];
  const returns = () => broker.log.filter((it) => it === "return later");
  await broker.until("both returns", () => returns().length === 2);
  await turns();
  reason.abort();
  assert.equal((await failure(aborted)).code, "canceled");
  await client.close();
  assert.equal((await failure(closed)).reason, "closed");
});

Deno.test("a lost connection ends a stream after the items before it", async () => {
  await using scene = playing();
  const { played, transport } = scene;
  const { first } = await played.begin();
  played.items(0, 2);
  await first;
  await transport.lose();
  assert.equal(await played.next(), "1");
  const { reason, details, message } = await failure(played.next());
  assert.deepEqual([reason, details.items], ["connection_lost", 2]);
  assert.equal(message, "the connection to the broker was lost after 2 items");
});

Deno.test("options out of their range are refused", () => {
  const { client } = start();
  for (
    const options of [
      { credit: 0 },
      { credit: 1.5 },
      { creditBytes: 0 },
      { idleTimeoutMs: 0 },
      { timeoutMs: -1 },
      { restart: "always" },
    ]
  ) {
    assert.throws(
      () => client.stream("q", "", options as StreamOptions),
      RangeError,
      JSON.stringify(options),
    );
  }
  assert.throws(
    () => client.stream("q", "", { signal: 1 } as never),
    TypeError,
  );
  assert.throws(() => client.stream("", ""), RangeError);
});

Deno.test("drain() waits for streams, and begins no other", async () => {
  await using scene = playing();
  const { played, client } = scene;
  const { first } = await played.begin();
  const drained = client.drain();
  const other = client.stream("q")[Symbol.asyncIterator]();
  assert.equal((await failure(other.next())).reason, "closed");
  played.items(0, 1);
  played.end(1);
  assert.equal(await first, "0");
  await within("the drain", drained);
});

Deno.test("progress comes to whoever asks, for calls and streams", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const told: unknown[] = [];
  const call = client.call("q", "in", { onProgress: (it) => told.push(it) });
  const { properties } = await broker.take("q");
  const { correlationId, replyTo, headers } = properties;
  const id = headers!["rpc-progress"] as string;
  assert.notEqual(id, correlationId);
  const progress = (body: string) =>
    broker.send(replyTo!, body, { type: "progress", correlationId: id });
  progress('{"done":1}');
  progress("no JSON");
  progress("2");
  broker.send(replyTo!, "done", { correlationId });
  assert.equal((await call).text(), "done");
  progress("3");
  await turns();
  assert.deepEqual(told, [{ done: 1 }, 2]);
  assert.equal(client.stats.unknownReplies, 0);
});

Deno.test("an onProgress that throws costs no call its reply", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const uncaught = Promise.withResolvers<string>();
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    uncaught.resolve(event.message);
  };
  globalThis.addEventListener("error", onError);
  const onProgress = () => {
    throw new Error("of the program");
  };
  const call = client.call("q", "in", { onProgress });
  const { properties } = await broker.take("q");
  const { correlationId, replyTo, headers } = properties;
  const id = headers!["rpc-progress"] as string;
  broker.send(replyTo!, "1", { type: "progress", correlationId: id });
  assert.match(await within("the error", uncaught.promise), /of the program/);
  broker.send(replyTo!, "done", { correlationId });
  assert.equal((await call).text(), "done");
  globalThis.removeEventListener("error", onError);
});
