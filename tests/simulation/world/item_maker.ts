// A procedure that gives items, as is planned.

import { countOf, itemBody } from "../items.ts";
import type { ItemsWork } from "../plan_calls.ts";
import { RpcError } from "../product.ts";

/** What a maker has, and tells. */
export interface MakerHooks {
  sleep(ms: number): Promise<void>;
  /** It is asked for this item. */
  asked(index: number): void;
  made(index: number, body: string): void;
  /** It hangs from now on; the signal may end it. */
  hangs(): Promise<never>;
  /** It does nothing more. */
  over(): void;
}

/** The items of a run of a call; runs count from 0. */
export async function* makeItems(
  work: ItemsWork,
  call: number,
  run: number,
  hooks: MakerHooks,
): AsyncGenerator<string, void, unknown> {
  const { paceMs, pause, then } = work;
  const count = countOf(work, run);
  try {
    for (let index = 0; index < count; index++) {
      hooks.asked(index);
      const ms = pause?.at === index ? pause.ms : paceMs;
      if (ms > 0) await hooks.sleep(ms);
      const body = itemBody(call, index, work, run);
      hooks.made(index, body);
      yield body;
    }
    if (then === "hang") await hooks.hangs();
    if (then === "throw") {
      throw new RpcError("failed_precondition", "as planned");
    }
  } finally {
    hooks.over();
  }
}
