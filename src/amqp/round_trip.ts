/**
 * How long a broker takes to answer.
 *
 * @module
 */
import { closeChannel } from "./channels.ts";
import type { AmqpSocket } from "./socket.ts";

const ROUNDS = 5;

/**
 * The median of a few round trips, in ms. `basic.qos` is the cheapest method
 * that the broker answers: it changes nothing that counts for a channel
 * without consumers, and needs no permission.
 */
export async function roundTripMs(socket: AmqpSocket): Promise<number> {
  const channel = await socket.channel();
  try {
    const rounds: number[] = [];
    while (rounds.length < ROUNDS) {
      const startedMs = performance.now();
      await channel.basicQos(1);
      rounds.push(performance.now() - startedMs);
    }
    return rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
  } finally {
    await closeChannel(channel);
  }
}
