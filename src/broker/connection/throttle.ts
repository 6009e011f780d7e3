/** What holds back a connection's input: a stall, or an alarm if it publishes. */
import { writeMethod } from "../../amqp091/arguments.ts";
import { Gate } from "../gate.ts";
import type { Outgoing } from "./outgoing.ts";
import { encodeText } from "../../amqp091/reader.ts";

/**
 * Holds back a connection's input. As in RabbitMQ, an alarm concerns only
 * connections that publish; once one does, all of its input waits.
 */
export class Throttle {
  /** Whether the client wants to be told when it is blocked. */
  notify = false;
  readonly #outgoing: Outgoing;
  readonly #onBlocked: () => void;
  readonly #stalls = new Gate();
  /** Closed while this connection alone may not publish. */
  readonly #publishing = new Gate();
  readonly #allPublishing: readonly Gate[];
  readonly #ended = Promise.withResolvers<void>();
  #over = false;
  #blocked = false;
  /** How many publishes there were when it last looked. */
  #published = 0;
  /** When it last held back input, in ms of `performance.now()`. */
  #heldAt = 0;

  /**
   * @param publishing closed while no connection may publish
   * @param onBlocked called when the client is blocked or unblocked
   */
  constructor(outgoing: Outgoing, publishing: Gate, onBlocked: () => void) {
    this.#outgoing = outgoing;
    this.#onBlocked = onBlocked;
    this.#allPublishing = [this.#publishing, publishing];
  }

  /** Whether the client is waiting to publish. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Whether no input is handled now. */
  get holding(): boolean {
    return this.#blocked || this.#stalls.closed;
  }

  /** When it last held back input, in ms of `performance.now()`. */
  get heldAt(): number {
    return this.holding ? performance.now() : this.#heldAt;
  }

  /** Reads and sends nothing until the returned function is called. */
  stall(): () => void {
    const end = this.#stalls.close("stalled");
    this.#outgoing.pause();
    return () => {
      end();
      if (this.#stalls.closed) return;
      this.#heldAt = performance.now();
      this.#outgoing.resume();
    };
  }

  /** Blocks the client, once it publishes, until the function is called. */
  block(reason: string): () => void {
    return this.#publishing.close(reason);
  }

  /**
   * Resolves when more input may be handled; undefined if it may be at once.
   *
   * @param published how many messages the client has published so far
   */
  pass(published: number): Promise<void> | undefined {
    const publishes = published !== this.#published;
    this.#published = published;
    const waits = this.#stalls.closed || publishes && this.#alarm();
    return waits ? this.#wait(publishes) : undefined;
  }

  /** Ends all waits, since the connection has ended. */
  end(): void {
    this.#over = true;
    this.#ended.resolve();
  }

  async #wait(publishes: boolean): Promise<void> {
    await this.#until(() => this.#stalls.closed ? this.#stalls : undefined);
    const reason = this.#alarm()?.reason;
    if (!publishes || reason === undefined || this.#over) return;
    this.#blocked = true;
    const { output } = this.#outgoing;
    if (this.notify) {
      writeMethod(output, 0, "connection.blocked", {
        reason: encodeText(reason),
      });
    }
    this.#outgoing.schedule();
    this.#onBlocked();
    await this.#until(() => this.#alarm());
    this.#heldAt = performance.now();
    this.#blocked = false;
    if (this.#over) return;
    if (this.notify) writeMethod(output, 0, "connection.unblocked");
    this.#outgoing.schedule();
    this.#onBlocked();
  }

  /** The gate that keeps the client from publishing. */
  #alarm(): Gate | undefined {
    return this.#allPublishing.find((gate) => gate.closed);
  }

  async #until(next: () => Gate | undefined): Promise<void> {
    for (let gate = next(); gate && !this.#over; gate = next()) {
      await Promise.race([gate.opened(), this.#ended.promise]);
    }
  }
}
