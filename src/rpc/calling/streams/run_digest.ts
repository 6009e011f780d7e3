/**
 * Whether two runs of a procedure gave the same items.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type RpcReply, sharedBytes } from "../../messages.ts";

/** A digest of all items so far. */
export class RunDigest {
  readonly #hash = createHash("sha256");

  /** The next item; where one ends and the next begins counts, too. */
  add(reply: RpcReply): void {
    const { contentType = "", contentEncoding = "" } = reply;
    const bytes = sharedBytes(reply);
    const head = JSON.stringify([bytes.length, contentType, contentEncoding]);
    this.#hash.update(head).update(bytes);
  }

  /** Of the items so far; more may be added. */
  get value(): string {
    return this.#hash.copy().digest("base64");
  }
}
