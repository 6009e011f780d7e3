// The event loop of a simulated world: virtual time, and one event after the
// other. Between two events all microtasks run, so that whatever runs is known
// to belong to the machine of the last event.

import type { Machine } from "./machine.ts";
import { hash } from "./random.ts";

/** Something that happens to a machine at a point in time. */
export interface LoopEvent {
  atMs: number;
  /** Orders what is due at the same instant. */
  readonly tie: number;
  readonly sequence: number;
  readonly machine: Machine;
  readonly run: () => void;
  canceled: boolean;
}

/** Waits for all microtasks. */
export type AfterMicrotasks = (callback: () => void) => void;

/** Fractions of a ms that floating-point numbers hold exactly. */
const GRID_PER_MS = 8;

/** Later and earlier times are the same instant if so close together. */
export function onGrid(atMs: number): number {
  return Math.ceil(atMs * GRID_PER_MS) / GRID_PER_MS;
}

/** Runs a world. */
export class Loop {
  /** Virtual time, in ms. */
  nowMs = 0;
  /** Whose event it is. */
  current: Machine | undefined;
  /** Events so far. */
  steps = 0;
  /** Runs after each event, with its microtasks and ticks. */
  afterStep: (machine: Machine) => void = () => {};
  onError: (machine: Machine, error: unknown) => void = () => {};
  readonly #heap: LoopEvent[] = [];
  readonly #seed: number;
  readonly #afterMicrotasks: AfterMicrotasks;
  #sequence = 0;

  constructor(seed: string, afterMicrotasks: AfterMicrotasks) {
    this.#seed = hash(seed);
    this.#afterMicrotasks = afterMicrotasks;
  }

  /** What is due for one machine at the same instant comes in this order. */
  schedule(machine: Machine, atMs: number, run: () => void): LoopEvent {
    const dueMs = Math.max(onGrid(atMs), this.nowMs);
    const tie = mix(this.#seed ^ mix(dueMs * GRID_PER_MS) ^ machine.id);
    const sequence = ++this.#sequence;
    const canceled = false;
    const event = { atMs: dueMs, tie, sequence, machine, run, canceled };
    this.#push(event);
    return event;
  }

  /** Resolves when it is over, or nothing is left to happen. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const step = () => {
        if (this.current && this.#tick(this.current)) {
          return this.#afterMicrotasks(step);
        }
        if (this.current) this.afterStep(this.current);
        this.current = undefined;
        if (isOver() || !this.#next()) return resolve();
        this.#afterMicrotasks(step);
      };
      this.#afterMicrotasks(step);
    });
  }

  /** What was asked for with `process.nextTick`; whether there was any. */
  #tick(machine: Machine): boolean {
    const { ticks } = machine;
    if (ticks.length === 0) return false;
    for (const tick of ticks.splice(0)) this.#try(machine, tick);
    return true;
  }

  #next(): boolean {
    while (true) {
      const event = this.#pop();
      if (event === undefined) return false;
      const { machine } = event;
      if (event.canceled || !machine.isAlive) continue;
      if (machine.pausedUntilMs > event.atMs) {
        event.atMs = machine.pausedUntilMs;
        this.#push(event);
        continue;
      }
      this.nowMs = event.atMs;
      this.current = machine;
      this.steps++;
      this.#try(machine, event.run);
      return true;
    }
  }

  #try(machine: Machine, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.onError(machine, error);
    }
  }

  #push(event: LoopEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): LoopEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) {
      return first;
    }
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < heap.length && isBefore(heap[right]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(one: LoopEvent, other: LoopEvent): boolean {
  if (one.atMs !== other.atMs) return one.atMs < other.atMs;
  if (one.tie !== other.tie) return one.tie < other.tie;
  return one.sequence < other.sequence;
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
