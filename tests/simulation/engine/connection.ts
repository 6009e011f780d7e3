// A connection between two machines: two pipes, an end at each of them.

import type { Loop } from "./loop.ts";
import type { Machine } from "./machine.ts";
import { type Ending, Pipe, streamError } from "./pipe.ts";
import type { Random } from "./random.ts";
import type { Route } from "./route.ts";

/** Hears of the bytes at the dialing end, as they are written and read. */
export interface Tap {
  /** `isLate`: they may have been ready before, and had to wait. */
  sent(bytes: Uint8Array, isLate: boolean): void;
  received(bytes: Uint8Array): void;
}

/** Who hears of it when a connection is cut. */
export type Cut = "both" | "nobody" | "client" | "broker";

/** A connection, with all that may happen to it. */
export class Connection {
  readonly up: Pipe;
  readonly down: Pipe;
  readonly client: End;
  readonly broker: End;
  readonly #random: Random;

  constructor(
    loop: Loop,
    from: Machine,
    to: Machine,
    route: Route,
    random: Random,
    tap: Tap,
  ) {
    this.#random = random;
    this.up = new Pipe({
      loop,
      to,
      random,
      conditions: route.up,
      onRefused: () => this.down.finish("reset"),
    });
    this.down = new Pipe({
      loop,
      to: from,
      random,
      conditions: route.down,
      onRead: (bytes) => tap.received(bytes),
      onRefused: () => this.up.finish("reset"),
    });
    this.client = new End(this.down, this.up, (...sent) => tap.sent(...sent));
    this.broker = new End(this.up, this.down, () => {});
  }

  /** Cuts it; of what is on its way a part may arrive, in mid-frame. */
  cut(who: Cut): void {
    const tells = (side: Cut): Ending =>
      who === "both" || who === side ? "reset" : "silence";
    this.#lose(this.up, tells("broker"));
    this.#lose(this.down, tells("client"));
  }

  /** Nothing comes over it any more, and nobody is told. */
  silence(): void {
    this.up.cut(0, "silence");
    this.down.cut(0, "silence");
  }

  /** The process at one end is no more; its kernel may still say so. */
  died(side: "client" | "broker", ending: Ending): void {
    const isClient = side === "client";
    this.#lose(isClient ? this.up : this.down, ending);
    (isClient ? this.down : this.up).abandon();
    this[side].isClosed = true;
  }

  /** Its lines have changed. */
  changed(): void {
    this.up.changed();
    this.down.changed();
  }

  #lose(pipe: Pipe, ending: Ending): void {
    pipe.cut(this.#random.whole(0, pipe.inFlight), ending);
  }
}

/** One end: what the product reads and writes. */
export class End {
  isClosed = false;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  readonly #onSent: (bytes: Uint8Array, isLate: boolean) => void;
  #hasWaited = false;
  #isFinished = false;

  constructor(
    incoming: Pipe,
    outgoing: Pipe,
    onSent: (bytes: Uint8Array, isLate: boolean) => void,
  ) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#onSent = onSent;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#incoming.read(into);
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.#check();
    this.#onSent(bytes, this.#hasWaited);
    this.#hasWaited = !this.#outgoing.send(bytes);
    if (this.#hasWaited) await this.#outgoing.room();
    this.#check();
    return bytes.length;
  }

  // deno-lint-ignore require-await
  async closeWrite(): Promise<void> {
    this.#check();
    this.#finish("fin");
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // As Linux has it: what was not read was not wanted.
    this.#finish(this.#incoming.hasUnread ? "reset" : "fin");
    this.#incoming.deafen();
    this.#outgoing.wakeWriter();
  }

  #check(): void {
    if (this.isClosed) throw streamError("BadResource", "EBADF");
    if (this.#isFinished) throw streamError("BrokenPipe", "EPIPE");
  }

  #finish(end: "fin" | "reset"): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#outgoing.finish(end);
  }
}
