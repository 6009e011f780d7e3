// Garbled input: whatever becomes of what the broker says, each call and each
// connection ends, with an error of ours or none.

import assert from "node:assert/strict";
import fc from "fast-check";
import { waitAtMost } from "../../src/async/delay.ts";
import type { ByteStream, Dial } from "../../src/amqp/streams/byte_stream.ts";
import { dialDeno } from "../../src/amqp/streams/deno.ts";
import { startBroker } from "../../src/broker/broker.ts";
import { connect, type RpcConnection, RpcError } from "../../src/mod.ts";
import { slowTest, test } from "../support/needs.ts";
import { within } from "../support/within.ts";

/** About as much as the broker says in one run, in bytes. */
const SAID_BYTES = 1_500;
const IN_PARALLEL = 16;
const LIMIT_MS = 300;

/** What becomes of the bytes from `at` on. */
interface Garbling {
  readonly at: number;
  /** The first is changed by this. */
  readonly xor: number;
  /** So many are left out. */
  readonly dropped: number;
}

const garbling: fc.Arbitrary<Garbling> = fc.record({
  at: fc.nat(SAID_BYTES),
  xor: fc.constantFrom(0, 1, 8, 128, 255),
  dropped: fc.constantFrom(0, 0, 1, 4, 100),
});

/** A stream that garbles what is read from it, once. */
class GarbledStream implements ByteStream {
  readonly #stream: ByteStream;
  readonly #garbling: Garbling;
  readonly #closed = Promise.withResolvers<void>();
  #position = 0;

  constructor(stream: ByteStream, garbling: Garbling) {
    this.#stream = stream;
    this.#garbling = garbling;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  async read(into: Uint8Array): Promise<number | null> {
    const size = await this.#stream.read(into);
    if (size === null) return null;
    const { at, xor, dropped } = this.#garbling;
    const index = at - this.#position;
    this.#position += size;
    if (index < 0 || index >= size) return size;
    const end = Math.min(index + dropped, size);
    into[index] ^= xor;
    into.copyWithin(index, end, size);
    return size - (end - index) || this.read(into);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#stream.write(bytes);
  }

  close(): void {
    this.#closed.resolve();
    this.#stream.close();
  }
}

/** Serves and calls over garbled connections; all of it ends. */
async function use(url: string, garbling: Garbling): Promise<void> {
  const streams: GarbledStream[] = [];
  const dial: Dial = async (endpoint, signal) => {
    const stream = new GarbledStream(
      await dialDeno(endpoint, signal),
      garbling,
    );
    streams.push(stream);
    return stream;
  };
  const connecting = connect(url, { dial, connectTimeoutMs: LIMIT_MS });
  const [connected] = await Promise.allSettled([connecting]);
  if (connected.status === "fulfilled") await serveAndCall(connected.value);
  else assertTyped(connected.reason);
  await Promise.all(streams.map(({ closed }) => closed));
}

async function serveAndCall(rpc: RpcConnection): Promise<void> {
  const queue = crypto.randomUUID();
  const uses = Promise.allSettled<unknown>([
    rpc.serve(queue, ({ bytes }) => bytes, { graceMs: LIMIT_MS }),
    rpc.call(queue, "a request", { timeoutMs: LIMIT_MS, wait: true }),
    rpc.call("missing", "", { timeoutMs: LIMIT_MS }),
    rpc.inspect(queue),
  ]);
  // A server is patient until the connection is closed.
  await waitAtMost(2 * LIMIT_MS, uses);
  await rpc.close();
  for (const use of await uses) {
    if (use.status === "rejected") assertTyped(use.reason);
  }
}

function assertTyped(error: unknown): void {
  assert.ok(error instanceof RpcError, String(error));
}

test("50 garbled connections end", () => survives(50));
slowTest("3,000 garbled connections end", () => survives(3_000));

async function survives(numRuns: number): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const garblings = fc.sample(garbling, { numRuns, seed });
  await using broker = await startBroker();
  const user = async () => {
    for (let next = garblings.pop(); next; next = garblings.pop()) {
      const what = `${JSON.stringify(next)} (seed ${seed})`;
      await within(what, use(broker.url, next), 10_000);
    }
  };
  await Promise.all(Array.from({ length: IN_PARALLEL }, user));
}
