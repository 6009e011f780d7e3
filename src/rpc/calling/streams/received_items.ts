/**
 * Keeps the items of a stream in order, through several runs if need be.
 *
 * @module
 */
import type { RpcError } from "../../errors.ts";
import type { RpcReply } from "../../messages.ts";
import { RunDigest } from "./run_digest.ts";
import {
  brokenStream,
  missingItems,
  ranAgain,
  ranInParts,
  ranOtherwise,
} from "./stream_failures.ts";

/** Counts items, and knows what is wrong with them. */
export class ReceivedItems {
  readonly #maySkip: boolean;
  /** Of all items that were received, where others may have to be skipped. */
  #digest: RunDigest | undefined;
  /** Of those that are skipped. */
  #skipped: RunDigest | undefined;
  #count = 0;
  /** The number of the next item of this run. */
  #next = 0;

  /** With `maySkip`, a second run may repeat what has come. */
  constructor(maySkip: boolean) {
    this.#maySkip = maySkip;
    if (maySkip) this.#digest = new RunDigest();
  }

  /** Items that were new. */
  get count(): number {
    return this.#count;
  }

  /** An item, of which so many are allowed; or what is wrong with it. */
  add(
    reply: RpcReply,
    seq: number | undefined,
    allowed: number,
  ): "new" | "skipped" | "not new" | RpcError {
    if (seq === undefined) return brokenStream("an item has no valid number");
    // Sent again over another connection of the server.
    if (seq < this.#next) return "not new";
    if (seq >= allowed) return brokenStream("more items than were asked for");
    if (seq > this.#next) {
      // A server that has the request back goes on where it was.
      return this.#skipped
        ? ranInParts(this.#count)
        : missingItems(this.#next, seq);
    }
    this.#next++;
    if (this.#skipped) return this.#skip(this.#skipped, reply);
    this.#digest?.add(reply);
    this.#count++;
    return "new";
  }

  /** The end of the run, after so many items; or what is wrong with it. */
  end(items: number | undefined): RpcError | undefined {
    if (this.#skipped) return ranOtherwise(this.#count);
    if (items === this.#next) return undefined;
    if (items !== undefined && items > this.#next) {
      return missingItems(this.#next, items);
    }
    return brokenStream(
      items === undefined
        ? "its end does not say how many items there were"
        : `its end came after ${this.#next} items, and tells of ${items}`,
    );
  }

  /** A reply in place of a stream; or what is wrong with it. */
  single(): RpcError | undefined {
    if (this.#skipped) return ranOtherwise(this.#count);
    if (this.#next > 0) return brokenStream("an item without its number");
    this.#count++;
    return undefined;
  }

  /** Another run begins; or why it must not. */
  startAgain(): RpcError | undefined {
    this.#next = 0;
    this.#skipped = undefined;
    if (this.#count === 0) return undefined;
    if (!this.#maySkip) return ranAgain(this.#count);
    this.#skipped = new RunDigest();
  }

  #skip(skipped: RunDigest, reply: RpcReply): "skipped" | RpcError {
    skipped.add(reply);
    if (this.#next < this.#count) return "skipped";
    this.#skipped = undefined;
    return skipped.value === this.#digest!.value
      ? "skipped"
      : ranOtherwise(this.#count);
  }
}
