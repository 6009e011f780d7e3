/**
 * Looks at a broker and at queues once; and the result in JSON.
 *
 * @module
 */
import type { AmqpConnection } from "../../amqp/broker_connection.ts";
import { isUntold } from "../../rpc/calling/failures.ts";
import type { QueueInfo } from "../../rpc/transport.ts";
import { jsonLine } from "../printable.ts";

/** The state of a broker. */
export interface BrokerState {
  /** Without the password. */
  readonly url: string;
  /** Round-trip time; undefined if it does not answer. */
  readonly rttMs?: number;
  /** Why it does not answer. */
  readonly error?: string;
}

/** The state of a queue. */
export interface QueueState {
  readonly queue: string;
  /** Undefined if there is no such queue, or if the broker does not answer. */
  readonly info?: QueueInfo;
  /** Why the broker does not show it. */
  readonly error?: string;
}

/** What was seen in one look. */
export interface Look {
  readonly broker: BrokerState;
  readonly queues: readonly QueueState[];
}

/** Looks, using only passive declares. */
export async function look(
  connection: AmqpConnection,
  queues: readonly string[],
): Promise<Look> {
  // Measured first: the look at the queues would slow it down.
  const rttMs = await connection.rttMs();
  return {
    broker: { url: connection.url, rttMs },
    queues: await Promise.all(queues.map((queue) => lookAt(connection, queue))),
  };
}

/** A queue that the user may not see does not hide the others. */
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

/** A look as a line of JSON; without queues if the broker does not answer. */
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
