// Items of streams: each tells in its body what it is.

import { answerTo } from "../chaos/calls.ts";
import type { Item } from "../rules/streams.ts";
import { type ItemsWork, LARGE_BYTES, type Work } from "./plan_calls.ts";

/** What an item is without what is added to it. */
const HEAD = /^(\d+) (\d+) (\d+) (\w*)\n/;

/** Items that a run gives, Infinity where there is no end; runs count from 0. */
export function countOf(
  { count, countAgain = count, then }: ItemsWork,
  run: number,
): number {
  if (then === "go on") return Infinity;
  return run === 0 ? count : countAgain;
}

/** An item of a run. */
export function itemBody(
  call: number,
  index: number,
  { differsFrom = Infinity, bytes }: ItemsWork,
  run: number,
): string {
  const variant = index < differsFrom ? 0 : run + 1;
  return `${call} ${index} ${variant} ${"i".repeat(bytes)}\n`;
}

/** What an item says of itself. */
export function readItem(text: string, work: ItemsWork): Item {
  const [, call, index, variant] = (HEAD.exec(text) ?? []).map(Number);
  const item = {
    call: call ?? NaN,
    index: index ?? NaN,
    variant: variant ?? 0,
  };
  const right = itemBody(item.call, item.index, work, item.variant - 1);
  return { ...item, isWhole: right === text };
}

/** The one right reply to a plain call. */
export function rightAnswer(work: Work, call: number, request: string): string {
  if (work.type !== "items") {
    const isLarge = work.type === "answer" && work.large;
    return answerTo(request) + (isLarge ? "x".repeat(LARGE_BYTES) : "");
  }
  let text = "";
  for (let i = 0; i < work.count; i++) text += itemBody(call, i, work, 0);
  return text;
}
