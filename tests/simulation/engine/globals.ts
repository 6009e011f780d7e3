// Takes away whatever is real: clocks, timers, the end of a turn, and chance.
// Call it before the product is loaded: what that makes then is made here.

import process from "node:process";
import timers from "node:timers";
import type { Loop } from "./loop.ts";
import type { Machine } from "./machine.ts";

const realNextTick = process.nextTick;
const realNow = performance.now.bind(performance);
const realTimer = globalThis.setTimeout;

/** A wait for all microtasks; the end of a turn is not needed for it. */
export function afterMicrotasks(callback: () => void): void {
  queueMicrotask(() => realNextTick(callback));
}

/** How long a run really takes, in ms. */
export function reallyNowMs(): number {
  return realNow();
}

/** A turn of the real event loop: rejections that nobody handles show. */
export function realTurn(): Promise<void> {
  return new Promise((resolve) => realTimer(resolve, 0));
}

/** The world that runs now. */
let loop: Loop | undefined;

/** Gives the globals to a world, or to nobody. */
export function enter(world: Loop | undefined): void {
  loop = world;
}

/** Where no world runs there is no time, and no chance. */
function machine(): Machine {
  if (loop?.current) return loop.current;
  throw new Error("this runs outside of the simulated world");
}

/** A table that its machine knows. */
class KnownMap<K, V> extends Map<K, V> {
  constructor(entries?: Iterable<readonly [K, V]> | null) {
    super(entries);
    loop?.current?.tables.push(this);
  }
}

class KnownSet<T> extends Set<T> {
  constructor(values?: Iterable<T> | null) {
    super(values);
    loop?.current?.tables.push(this);
  }
}

type Callback = (...args: unknown[]) => void;

function setTimeout(run: Callback, ms = 0, ...args: unknown[]): number {
  return machine().setTimer(() => run(...args), ms);
}

function setInterval(run: Callback, ms = 0, ...args: unknown[]): number {
  return machine().setTimer(() => run(...args), ms, ms);
}

function clearTimer(id?: number): void {
  if (id !== undefined) machine().clearTimer(id);
}

function nextTick(run: Callback, ...args: unknown[]): void {
  machine().ticks.push(() => run(...args));
}

function timeoutSignal(ms: number): AbortSignal {
  const controller = new AbortController();
  machine().setTimer(() => {
    controller.abort(new DOMException("Signal timed out.", "TimeoutError"));
  }, ms);
  return controller.signal;
}

function getRandomValues<T extends ArrayBufferView>(array: T): T {
  const { buffer, byteOffset, byteLength } = array;
  machine().random.fill(new Uint8Array(buffer, byteOffset, byteLength));
  return array;
}

function randomUUID(): string {
  const { random } = machine();
  const hex = (mask: number, bits: number) =>
    ((random.uint32() & mask | bits) >>> 0).toString(16).padStart(8, "0").slice(
      -8,
    );
  const first = hex(0x7fffffff, 0);
  const second = hex(0x7fff0fff, 0x4000);
  const third = hex(0x3fffffff, 0x80000000);
  const fourth = hex(0x7fffffff, 0);
  return `${first}-${second.slice(0, 4)}-${second.slice(4)}-` +
    `${third.slice(0, 4)}-${third.slice(4)}${fourth}`;
}

/** `new Date()` is the time of the machine, too. */
class WorldDate extends Date {
  constructor(value?: number | string | Date) {
    super(value === undefined ? machine().epochMs : value);
  }

  static override now(): number {
    return machine().epochMs;
  }
}

/** Once for a whole thread; nothing real comes back. */
export function replaceGlobals(): void {
  replace(globalThis, {
    setTimeout,
    setInterval,
    clearTimeout: clearTimer,
    clearInterval: clearTimer,
    Date: WorldDate,
    Map: KnownMap,
    Set: KnownSet,
  });
  replace(performance, { now: () => machine().nowMs });
  replace(AbortSignal, { timeout: timeoutSignal });
  replace(Math, { random: () => machine().random.next() });
  replace(crypto, { getRandomValues, randomUUID });
  replace(process, { nextTick });
  replace(timers, {
    setImmediate: (run: Callback, ...args: unknown[]) =>
      setTimeout(run, 0, ...args),
  });
}

function replace(owner: object, members: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(members)) {
    const writable = true;
    Object.defineProperty(owner, name, { value, writable, configurable: true });
  }
}
