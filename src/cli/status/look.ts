/**
 * One look at a broker and at queues, and its form in JSON.
 *
 * @module
 */
import type { AmqpConnection } from "../../amqp/broker_connection.ts";
import { isUntold } from "../../rpc/calling/failures.ts";
import type { QueueInfo } from "../../rpc/transport.ts";
import { jsonLine } from "../printable.ts";

/** What was seen of a broker. */
export interface BrokerState {
  /** Without the password. */
  readonly url: string;
  /** How long it takes to answer; undefined where it does not. */
  readonly rttMs?: number;
  /** Why it does not answer. */
  readonly error?: string;
}

/** What was seen of a queue. */
export interface QueueState {
  readonly queue: string;
  /** Undefined where there is no such queue; unknown without a broker. */
  readonly info?: QueueInfo;
  /** Why the broker does not tell whether there is. */
  readonly error?: string;
}

/** What was seen at one time. */
export interface Look {
  readonly broker: BrokerState;
  readonly queues: readonly QueueState[];
}

/** Looks, by passive declares alone. */
export async function look(
  connection: AmqpConnection,
  queues: readonly string[],
): Promise<Look> {
  // Before the queues are asked for: that would make it slower.
  const rttMs = await connection.rttMs();
  return {
    broker: { url: connection.url, rttMs },
    queues: await Promise.all(queues.map((queue) => lookAt(connection, queue))),
  };
}

/** What one queue keeps from this user is no reason to hide the others. */
async function lookAt(
  connection: AmqpConnection,
  queue: string,
): Promise<QueueState> {
  try {
    return { queue, info: await connection.inspect(queue) };
  } catch (error) {
    if (isUntold(error)) return { queue, error: error.message };
    throw error;
  }
}

/** Whether a queue is known to have no server. */
export function lacksServer({ info, error }: QueueState): boolean {
  return error === undefined && (info === undefined || info.consumers === 0);
}

/** A look as one line of JSON; nothing is told of queues without a broker. */
export function lookJson({ broker, queues }: Look): string {
  const { url, rttMs, error } = broker;
  return jsonLine({
    broker: {
      url,
      rtt_ms: rttMs === undefined ? null : Number(rttMs.toFixed(3)),
      error,
    },
    queues: error === undefined ? queues.map(queueJson) : [],
  });
}

function queueJson(state: QueueState): Record<string, unknown> {
  const { queue, info, error } = state;
  if (error !== undefined) {
    return { queue, exists: null, consumers: null, messages: null, error };
  }
  return {
    queue,
    exists: info !== undefined,
    consumers: info?.consumers ?? 0,
    messages: info?.messages ?? 0,
  };
}
