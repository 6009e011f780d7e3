// Tests of src/amqp/streams/memory.ts: bytes, and a client and a broker that
// are joined by nothing else.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ByteStream } from "../../../src/amqp/streams/byte_stream.ts";
import { memoryStreams } from "../../../src/amqp/streams/memory.ts";
import { startBroker } from "../../../src/broker/broker.ts";
import type { EmbeddedBroker } from "../../../src/broker/embedded.ts";
import { connect, RpcError } from "../../../src/mod.ts";
import { test } from "../../support/needs.ts";
import { within } from "../../support/within.ts";
import { connectHooks } from "../../support/hooks.ts";

async function readAll(stream: ByteStream, size: number): Promise<number[]> {
  const bytes: number[] = [];
  const into = new Uint8Array(size);
  for (;;) {
    const count = await stream.read(into);
    if (count === null) return bytes;
    bytes.push(...into.subarray(0, count));
  }
}

Deno.test("what is written is read, however much at a time", async () => {
  const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }));
  const size = fc.integer({ min: 1, max: 60 });
  await fc.assert(fc.asyncProperty(parts, size, async (parts, size) => {
    const [one, other] = memoryStreams();
    const reading = readAll(other, size);
    const all = parts.flatMap((part) => [...part]);
    for (const part of parts) {
      await one.write(part);
      // Whoever has written may use the bytes again.
      part.fill(0);
    }
    one.close();
    assert.deepEqual(await reading, all);
  }));
});

Deno.test("both directions, at once", async () => {
  const [one, other] = memoryStreams();
  const into = [new Uint8Array(9), new Uint8Array(9)];
  const reads = [one.read(into[0]!), other.read(into[1]!)];
  await Promise.all([
    one.write(Uint8Array.of(1, 2)),
    other.write(Uint8Array.of(3)),
  ]);
  assert.deepEqual(await Promise.all(reads), [1, 2]);
  assert.deepEqual([into[0]![0], into[1]![0], into[1]![1]], [3, 1, 2]);
});

Deno.test("the end is told to who reads and to who writes", async () => {
  const [one, other] = memoryStreams();
  const reading = one.read(new Uint8Array(1));
  other.close();
  assert.equal(await within("the end", reading), null);
  assert.equal(await one.read(new Uint8Array(1)), null);
  await assert.rejects(one.write(Uint8Array.of(1)), /was closed/);
  one.close();
});

test("a client and a broker within one program", async () => {
  await using broker = await startBroker();
  const ends: ByteStream[] = [];
  const dial = () => {
    const [ours, theirs] = memoryStreams();
    ends.push(theirs);
    (broker as EmbeddedBroker).take({
      read: (into) => theirs.read(into),
      async write(bytes) {
        await theirs.write(bytes);
        return bytes.length;
      },
      closeWrite: () => Promise.resolve(theirs.close()),
      close: () => theirs.close(),
    });
    return Promise.resolve(ours);
  };
  const lost = Promise.withResolvers<void>();
  await using rpc = await connect(
    "amqp://nowhere.invalid",
    connectHooks({
      dial,
      onEvent: ({ type }) => {
        if (type === "lost") lost.resolve();
      },
    }),
  );
  await using _server = await rpc.serve("q", ({ bytes }) => {
    if (bytes.length === 0) throw new RpcError("not_found", "nothing");
    return bytes;
  });
  const body = Uint8Array.from({ length: 500_000 }, (_, n) => n % 251);
  const replies = await Promise.all(
    [1, 2, 3].map(() => rpc.call("q", body)),
  );
  for (const { bytes } of replies) assert.deepEqual(bytes, body);
  await assert.rejects(rpc.call("q", ""), { code: "not_found" });

  // Another stream is asked for where one is lost.
  ends[0]!.close();
  await within("the loss", lost.promise);
  const reply = await rpc.call("q", "again", { retries: 3 });
  assert.equal(reply.text(), "again");
  assert.equal(ends.length, 2);
});
