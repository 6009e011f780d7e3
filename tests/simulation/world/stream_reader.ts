// A reader of a stream, as fast and as patient as is planned.

import type { PlannedStream } from "../plan_calls.ts";

/** What a reader has, and tells. */
export interface ReaderHooks {
  /** Resolves after so long, unless the process ends. */
  sleep(ms: number): Promise<void>;
  waits(): void;
  item(text: string): void;
  /** The stream has ended, or its reader has left. */
  ended(hasLeft: boolean): void;
  failed(error: unknown): void;
  /** Something came after the end. */
  revived(): void;
}

/** Reads until the stream ends, or as far as is planned. */
export async function read(
  stream: AsyncIterable<{ text(): string }>,
  planned: PlannedStream,
  hooks: ReaderHooks,
): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  try {
    const hasLeft = await readItems(iterator, planned, hooks);
    hooks.ended(hasLeft);
  } catch (error) {
    hooks.failed(error);
  }
  const more = await iterator.next();
  if (!more.done) hooks.revived();
}

/** Resolves with whether the reader has left. */
async function readItems(
  iterator: AsyncIterator<{ text(): string }>,
  { paceMs, stop, leaveAfter }: PlannedStream,
  hooks: ReaderHooks,
): Promise<boolean> {
  for (let taken = 0;; taken++) {
    if (stop && taken === stop.after) await hooks.sleep(stop.ms);
    // Nobody can leave what was never begun.
    if (taken > 0 && taken === leaveAfter) break;
    hooks.waits();
    const next = await iterator.next();
    if (next.done) return false;
    hooks.item(next.value.text());
    if (paceMs > 0) await hooks.sleep(paceMs);
  }
  await iterator.return?.();
  return true;
}
