/**
 * The answers that a channel waits for. The broker gives them in the order in
 * which it was asked.
 *
 * @module
 */
import type {
  Arguments,
  BrokerMethod,
  ClientMethod,
} from "../amqp091/methods.ts";

/** A method that the broker answers. */
export type RequestMethod = {
  [N in ClientMethod]: `${N}-ok` extends BrokerMethod ? N : never;
}[ClientMethod];

/** An answer that has not come yet. */
interface Awaited {
  readonly method: BrokerMethod;
  readonly resolve: (args: never) => void;
  readonly reject: (error: Error) => void;
}

/** The answers that are still to come. */
export class AwaitedAnswers {
  readonly #awaited: Awaited[] = [];

  /** The method that comes next, if any is awaited. */
  get next(): BrokerMethod | undefined {
    return this.#awaited[0]?.method;
  }

  /** Awaits the answer to a method, after those that are awaited already. */
  add<N extends RequestMethod>(
    name: N,
    resolve: (args: Arguments<`${N}-ok`>) => void,
    reject: (error: Error) => void,
  ): void {
    this.#awaited.push({ method: `${name}-ok`, resolve, reject });
  }

  /** Takes an answer; false if it is not the one that comes next. */
  take<N extends BrokerMethod>(name: N, args: Arguments<N>): boolean {
    if (this.next !== name) return false;
    this.#awaited.shift()!.resolve(args as never);
    return true;
  }

  /** No answer comes any more. */
  fail(error: Error): void {
    for (const { reject } of this.#awaited.splice(0)) reject(error);
  }
}
