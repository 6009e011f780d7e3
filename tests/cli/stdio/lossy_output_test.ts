// Lines that may be lost: what is full or fails costs lines, and says how many.

import { LossyOutput } from "../../../src/cli/stdio/lossy_output.ts";
import assert from "node:assert/strict";

const decoder = new TextDecoder();

/** A stream that takes a write when the test lets it. */
class SlowStream {
  readonly written: string[] = [];
  #pending: PromiseWithResolvers<void> | undefined;
  #asked = Promise.withResolvers<void>();

  readonly write = async (bytes: Uint8Array): Promise<void> => {
    const pending = this.#pending = Promise.withResolvers<void>();
    this.#asked.resolve();
    await pending.promise;
    this.written.push(decoder.decode(bytes));
  };

  /** Lets the next write succeed, or fail with this. */
  async next(failure?: Error): Promise<void> {
    await this.#asked.promise;
    this.#asked = Promise.withResolvers();
    if (failure) this.#pending!.reject(failure);
    else this.#pending!.resolve();
  }
}

Deno.test("lines beyond what may wait are lost, counted, and told", async () => {
  const stream = new SlowStream();
  const told: number[] = [];
  const output = new LossyOutput(stream.write, (lines) => told.push(lines));
  output.add("first");
  const line = "x".repeat(1000);
  for (let n = 0; n < 10_000; n++) output.add(line);
  await stream.next();
  // The first write held all that was added by then.
  await output.flushedWithin(5_000);
  const [text = ""] = stream.written;
  const kept = text.split("\n").length - 2;
  assert(text.startsWith("first\n"));
  assert(kept > 1000 && kept < 5000, `${kept} lines were kept`);
  assert.deepEqual(told, [10_000 - kept]);
});

Deno.test("lines that can't be written are lost, and those after them not", async () => {
  const stream = new SlowStream();
  const told: number[] = [];
  const output = new LossyOutput(stream.write, (lines) => told.push(lines));
  output.add("one");
  output.add("two");
  await stream.next(new Error("No space left on device"));
  await output.flushedWithin(5_000);
  assert.deepEqual([stream.written, told], [[], []]);
  output.add("three");
  await stream.next();
  await output.flushedWithin(5_000);
  assert.deepEqual([stream.written, told], [["three\n"], [2]]);
});

Deno.test("a stream that stands still is waited for so long, and no longer", async () => {
  const stream = new SlowStream();
  const output = new LossyOutput(stream.write, () => {});
  output.add("one");
  await output.flushedWithin(1);
  assert.deepEqual(stream.written, []);
  await stream.next();
  await output.flushedWithin(5_000);
  assert.deepEqual(stream.written, ["one\n"]);
});
