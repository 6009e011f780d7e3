// Streams while connections are lost again and again: whatever comes is in
// order, without a gap and without a repeat, and ends honestly.

import assert from "node:assert/strict";
import { startBroker } from "../../src/broker/broker.ts";
import { connect, type RpcError, type StreamOptions } from "../../src/mod.ts";
import { test } from "../support/needs.ts";
import { within } from "../support/within.ts";

const STREAMS = 20;
const ITEMS = 400;

/** Numbers from 0 to below 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  return () => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return seed / 2 ** 32;
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How many items came in order, and what ended the stream. */
interface End {
  items: number;
  error: RpcError | undefined;
}

/** Streams over a broker whose connections from `victims` on are cut. */
async function cutting(
  seed: number,
  victim: "server" | "caller",
  options: StreamOptions = {},
): Promise<End[]> {
  const random = randomOf(seed);
  await using broker = await startBroker();
  // The one that stays is always the oldest.
  const staying = await connect(broker.url);
  const other = await connect(broker.url);
  const [serving, calling] = victim === "server"
    ? [other, staying]
    : [staying, other];
  // The connection that is made first is the one that stays.
  await staying.open();
  const server = await serving.serve("q", async function* (request) {
    for (let n = 0; n < ITEMS; n++) {
      if (random() < 0.02) await pause(2);
      yield `${request.text()}:${n}`;
    }
  }, { graceMs: 0 });
  await calling.open();

  const read = async (id: number): Promise<End> => {
    let items = 0;
    const credit = 1 + Math.floor(random() * 40);
    try {
      const stream = calling.stream("q", id, { credit, ...options });
      for await (const item of stream) {
        assert.equal(item.text(), `${id}:${items++}`);
        if (random() < 0.02) await pause(1);
      }
      return { items, error: undefined };
    } catch (error) {
      return { items, error: error as RpcError };
    }
  };
  let over = false;
  const cuts = (async () => {
    for (let n = 0; n < 6 && !over; n++) {
      await pause(5 + random() * 60);
      const [, ...victims] = broker.connections;
      for (const connection of victims) connection.drop();
    }
  })();
  const all = Array.from({ length: STREAMS }, (_, id) => read(id));
  const ends = await within("all streams", Promise.all(all), 60_000);
  over = true;
  await cuts;
  await calling.close();
  await within(
    "no open stream",
    (async () => {
      while (server.streams.open > 0) await pause(10);
    })(),
  );
  await serving.close();
  return ends;
}

for (const seed of [1, 2, 3, 4]) {
  test(`a server that loses its connections loses no item (${seed})`, async () => {
    const ends = await cutting(seed, "server");
    const whole = { items: ITEMS, error: undefined };
    assert.deepEqual(ends, Array.from({ length: STREAMS }, () => whole));
  });

  test(`a caller that loses its connection hears it in its place (${seed})`, async () => {
    const ends = await cutting(seed, "caller");
    for (const { items, error } of ends) {
      if (error === undefined) assert.equal(items, ITEMS);
      else {
        assert.equal(error.reason, "connection_lost", String(error));
        assert.equal(error.details.items, items);
      }
    }
  });
}
