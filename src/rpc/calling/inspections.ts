/**
 * Questions about queues.
 *
 * @module
 */
import { delay } from "../../async/delay.ts";
import { afterMicrotasks } from "../../async/end_of_turn.ts";
import { LONGEST_TIMER_MS } from "../../async/timers.ts";
import { durationMs } from "../limits.ts";
import type { BrokerConnection, QueueInfo } from "../transport.ts";
import { DEFAULT_TIMEOUT_MS } from "./call_options.ts";
import { inspectionTimeout } from "./failures.ts";

/** How to ask the broker for something. */
export interface InspectOptions {
  /**
   * How long the answer may take, in ms.
   *
   * @default {30000}
   */
  timeoutMs?: number;
}

/**
 * What the broker answers, connecting included.
 *
 * @throws {RpcError} what asking fails with, or `timeout` makes of no answer.
 * @throws {RangeError} if the time is out of its range.
 */
export async function answerInTime<T>(
  { timeoutMs = DEFAULT_TIMEOUT_MS }: InspectOptions,
  connect: () => Promise<BrokerConnection>,
  ask: (connection: BrokerConnection) => Promise<T>,
  timeout: (limitMs: number, asked: BrokerConnection | undefined) => Error,
): Promise<T> {
  const limitMs = durationMs("timeoutMs", timeoutMs, LONGEST_TIMER_MS);
  const answered = new AbortController();
  let asked: BrokerConnection | undefined;
  const answer = connect().then((connection) => {
    asked = connection;
    return ask(connection);
  });
  const expiry = delay(limitMs, answered.signal).then(() => {
    throw timeout(limitMs, asked);
  });
  try {
    return await Promise.race([answer, expiry]);
  } finally {
    answered.abort();
  }
}

/** A question that is not answered yet. */
interface Inspection {
  readonly answer: Promise<QueueInfo | undefined>;
  isOfThisTurn: boolean;
}

/**
 * Asks the broker once for all who ask at the same time, each with its own time
 * limit.
 */
export class Inspections {
  readonly #underWay = new Map<string, Inspection>();

  /**
   * What a passive declare returns; undefined if there is no such queue.
   *
   * @throws {RpcError} if the broker does not say, or not in time.
   * @throws {RangeError} if the time is out of its range.
   */
  async inspect(
    queue: string,
    { timeoutMs }: InspectOptions,
    connect: () => Promise<BrokerConnection>,
  ): Promise<QueueInfo | undefined> {
    return await answerInTime(
      { timeoutMs },
      connect,
      (connection) => this.#ask(connection, queue),
      (limitMs, asked) => inspectionTimeout(queue, limitMs, asked),
    );
  }

  async #ask(
    connection: BrokerConnection,
    queue: string,
  ): Promise<QueueInfo | undefined> {
    const underWay = this.#underWay.get(queue);
    if (underWay === undefined) return await this.#start(connection, queue);
    const { isOfThisTurn } = underWay;
    const info = await underWay.answer;
    if (isOfThisTurn || info?.consumers) return info;
    // A queue or consumer that was missing may have appeared since that
    // question.
    return await (this.#underWay.get(queue)?.answer ??
      this.#start(connection, queue));
  }

  #start(
    connection: BrokerConnection,
    queue: string,
  ): Promise<QueueInfo | undefined> {
    const answer = connection.inspect(queue).finally(() => {
      if (this.#underWay.get(queue) === inspection) {
        this.#underWay.delete(queue);
      }
    });
    const inspection = { answer, isOfThisTurn: true };
    afterMicrotasks(() => inspection.isOfThisTurn = false);
    this.#underWay.set(queue, inspection);
    return answer;
  }
}
