/** What keeps a connection waiting: a stall, or an alarm once it publishes. */
import { blockFor, Fault, type Faults } from "../testing/faults.ts";
import { Holds } from "../holds.ts";
import type { Outgoing } from "./outgoing.ts";
import { encodeText } from "../../amqp091/reader.ts";
import { writeMethod } from "../../amqp091/arguments.ts";

/** The connection that it is of. */
export interface Throttled {
  readonly faults: Faults;
  readonly outgoing: Outgoing;
  /** Whether the client wants to hear of it. */
  readonly blockedNotify: boolean;
  /** Called when the client is blocked, and when it is not any more. */
  onBlocked(): void;
}

/**
 * Lets a connection's input wait. As in RabbitMQ an alarm stops, and tells,
 * only who publishes, and then all of its input.
 */
export class Throttle {
  readonly #connection: Throttled;
  readonly #stalls = new Holds();
  /** Why this connection alone may not publish. */
  readonly #blocks = new Holds();
  readonly #allBlocks: readonly Holds[];
  readonly #ended = Promise.withResolvers<void>();
  #over = false;
  #blocked = false;
  /** Publishes that were there when last looked at. */
  #published = 0;
  /** When it last held the connection, by `performance.now()`. */
  #heldAt = 0;

  constructor(connection: Throttled) {
    this.#connection = connection;
    this.#allBlocks = [this.#blocks, connection.faults.blocks];
  }

  /** Whether the client is waiting to publish. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Whether nothing is read for now. */
  get holding(): boolean {
    return this.#blocked || this.#stalls.held;
  }

  /** When it last held the connection; what came before is no silence. */
  get heldAt(): number {
    return this.holding ? performance.now() : this.#heldAt;
  }

  /** Reads and sends nothing until the fault ends. */
  stall(): Fault {
    const { outgoing } = this.#connection;
    const end = this.#stalls.add("stalled");
    outgoing.pause();
    return new Fault(() => {
      end();
      if (this.#stalls.held) return;
      this.#heldAt = performance.now();
      outgoing.resume();
    });
  }

  /** Blocks the client, once it publishes, until the fault ends. */
  block(reason: string): Fault {
    return blockFor(reason, this.#blocks);
  }

  /** Resolves when more input may be handled; undefined if it may now. */
  pass(published: number): Promise<void> | undefined {
    const publishes = published !== this.#published;
    this.#published = published;
    const waits = this.#stalls.held || publishes && this.#alarm();
    return waits ? this.#wait(publishes) : undefined;
  }

  /** Ends all waits, as the connection has ended. */
  end(): void {
    this.#over = true;
    this.#ended.resolve();
  }

  async #wait(publishes: boolean): Promise<void> {
    await this.#until(() => this.#stalls.held ? this.#stalls : undefined);
    const reason = this.#alarm()?.reason;
    if (!publishes || reason === undefined || this.#over) return;
    const { outgoing, blockedNotify } = this.#connection;
    this.#blocked = true;
    if (blockedNotify) {
      writeMethod(outgoing.output, 0, "connection.blocked", {
        reason: encodeText(reason),
      });
    }
    outgoing.schedule();
    this.#connection.onBlocked();
    await this.#until(() => this.#alarm());
    this.#heldAt = performance.now();
    this.#blocked = false;
    if (this.#over) return;
    if (blockedNotify) writeMethod(outgoing.output, 0, "connection.unblocked");
    outgoing.schedule();
    this.#connection.onBlocked();
  }

  #alarm(): Holds | undefined {
    return this.#allBlocks.find((blocks) => blocks.held);
  }

  async #until(next: () => Holds | undefined): Promise<void> {
    for (let holds = next(); holds && !this.#over; holds = next()) {
      await Promise.race([holds.cleared(), this.#ended.promise]);
    }
  }
}
