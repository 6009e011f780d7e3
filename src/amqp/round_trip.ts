/**
 * How long a broker takes to answer.
 *
 * @module
 */
import { closeChannel } from "./closing.ts";
import type { Connection } from "./connection.ts";

const ROUNDS = 5;

/**
 * The median of a few round trips, in ms. `basic.qos` is the cheapest method
 * that the broker answers: it changes nothing on a channel without consumers,
 * and needs no permission.
 */
export async function roundTripMs(connection: Connection): Promise<number> {
  return await connection.openChannel(async (channel) => {
    try {
      const rounds: number[] = [];
      // The first answer would include the opening of the channel.
      await channel.request("basic.qos", { prefetchCount: 1 });
      while (rounds.length < ROUNDS) {
        const startedMs = performance.now();
        await channel.request("basic.qos", { prefetchCount: 1 });
        rounds.push(performance.now() - startedMs);
      }
      return rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
    } finally {
      await closeChannel(connection, channel);
    }
  });
}
