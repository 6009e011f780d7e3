// One direction of a connection: bytes take their time, come in order, in
// other pieces than they were written in, or not at all.

import type { Loop, LoopEvent } from "./loop.ts";
import type { Machine } from "./machine.ts";
import type { Random } from "./random.ts";

/** How long bytes take. */
export interface Conditions {
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Infinity where the line is not what limits. */
  readonly bytesPerMs: number;
  /** Nothing arrives for now. */
  readonly isStalled: boolean;
}

/** What a direction of a connection needs. */
export interface PipeOptions {
  readonly loop: Loop;
  readonly to: Machine;
  readonly random: Random;
  readonly conditions: Conditions;
  /** Hears of bytes as they are read. */
  readonly onRead?: (bytes: Uint8Array) => void;
  /** Bytes came to where nobody reads any more. */
  readonly onRefused: () => void;
}

/** How a direction ends: well, or not; or without being told of. */
export type Ending = "fin" | "reset" | "silence";

interface Piece {
  readonly atMs: number;
  readonly bytes?: Uint8Array;
  readonly end?: "fin" | "reset";
}

/** What a sender may have on its way before its writes wait. */
const WINDOW_BYTES = 64 * 1024;
/** How often a write comes in more than one piece. */
const SPLIT_CHANCE = 0.15;

/** One direction. */
export class Pipe {
  readonly #options: PipeOptions;
  #pieces: Piece[] = [];
  readonly #arrived: Uint8Array[] = [];
  #unread = 0;
  #lastMs = 0;
  #event: LoopEvent | undefined;
  #end: "fin" | "reset" | undefined;
  /** The receiver reads nothing any more. */
  #isDeaf = false;
  /** Nothing arrives any more, and nobody is told. */
  #isSilent = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  /** Bytes on their way. */
  get inFlight(): number {
    let bytes = 0;
    for (const piece of this.#pieces) bytes += piece.bytes?.length ?? 0;
    return bytes;
  }

  /** Whether something has arrived that was not read. */
  get hasUnread(): boolean {
    return this.#arrived.length > 0;
  }

  /** Sends bytes; whether there is room for more. */
  send(bytes: Uint8Array): boolean {
    if (this.#isSilent) return this.#unread <= WINDOW_BYTES;
    this.#unread += bytes.length;
    const { random } = this.#options;
    if (bytes.length > 1 && random.chance(SPLIT_CHANCE)) {
      const at = random.whole(1, bytes.length - 1);
      this.#add({ bytes: bytes.slice(0, at) });
      this.#add({ bytes: bytes.slice(at) });
    } else this.#add({ bytes: bytes.slice() });
    return this.#unread <= WINDOW_BYTES;
  }

  /** The sender sends nothing any more. */
  finish(end: "fin" | "reset"): void {
    if (!this.#isSilent) this.#add({ end });
  }

  /** Resolves when there is room again, or no use for it. */
  room(): Promise<void> {
    return new Promise((resolve) => this.#wakeWriter = resolve);
  }

  wakeWriter(): void {
    this.#wakeWriter?.();
    this.#wakeWriter = undefined;
  }

  /** Loses what is on its way but for so many bytes, and ends after those. */
  cut(keep: number, ending: Ending): void {
    const kept: Piece[] = [];
    for (const { bytes, atMs } of this.#pieces) {
      if (bytes === undefined || keep === 0) continue;
      const part = bytes.subarray(0, keep);
      kept.push({ bytes: part, atMs });
      keep -= part.length;
    }
    const atMs = Math.max(kept.at(-1)?.atMs ?? 0, this.#options.loop.nowMs);
    if (ending === "silence") this.#isSilent = true;
    else kept.push({ end: ending, atMs });
    this.#pieces = kept;
    this.#arm();
  }

  /** Waits for the first piece, as things are now. */
  changed(): void {
    this.#arm();
  }

  /** The receiver reads nothing any more, and what it reads now fails. */
  deafen(): void {
    this.abandon();
    this.#wake();
  }

  /** The receiver is no more. */
  abandon(): void {
    this.#isDeaf = true;
    this.#arrived.length = 0;
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#arrived.length === 0) {
      if (this.#isDeaf) throw streamError("BadResource", "EBADF");
      if (this.#end === "fin") return null;
      if (this.#end) throw streamError("ConnectionReset", "ECONNRESET");
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    const first = this.#arrived[0]!;
    const length = Math.min(first.length, into.length);
    into.set(first.subarray(0, length));
    if (length < first.length) this.#arrived[0] = first.subarray(length);
    else this.#arrived.shift();
    this.#unread -= length;
    if (this.#unread <= WINDOW_BYTES / 2) this.wakeWriter();
    this.#options.onRead?.(into.subarray(0, length));
    return length;
  }

  #add(piece: Omit<Piece, "atMs">): void {
    const { random, conditions, loop } = this.#options;
    const { latencyMs, jitterMs, bytesPerMs } = conditions;
    const arrivalMs = loop.nowMs + latencyMs + jitterMs * random.next();
    const lineMs = (piece.bytes?.length ?? 0) / bytesPerMs;
    this.#lastMs = Math.max(this.#lastMs, arrivalMs) + lineMs;
    this.#pieces.push({ ...piece, atMs: this.#lastMs });
    if (this.#event === undefined) this.#arm();
  }

  #arm(): void {
    if (this.#event) this.#event.canceled = true;
    this.#event = undefined;
    const [first] = this.#pieces;
    const { loop, to, conditions } = this.#options;
    if (first === undefined || conditions.isStalled) return;
    this.#event = loop.schedule(to, first.atMs, () => this.#arrive());
  }

  #arrive(): void {
    const { bytes, end } = this.#pieces.shift()!;
    this.#arm();
    if (this.#isDeaf) {
      if (bytes) this.#options.onRefused();
      return;
    }
    // What was sent after it was cut.
    if (this.#end !== undefined) return;
    if (bytes) this.#arrived.push(bytes);
    else this.#end = end;
    this.#wake();
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }
}

/** An error of the system. */
export function streamError(name: string, code: string): Error {
  return Object.assign(new Error(`${name} (${code})`), { name, code });
}
