/** The headers in which a quorum queue counts the deliveries of a message. */
import type { Behavior } from "../generation.ts";
import type { Entry } from "./lane.ts";
import { editContent, headers, type Message } from "./message.ts";
import { longField, ordered, type Table } from "../../amqp091/table.ts";

/** The message of an entry that was put back, with its counts as headers. */
export function withCounts(
  { message, acquired, failed }: Entry,
  { countsAcquired }: Behavior,
): Message {
  const counts: [string, bigint][] = [];
  if (countsAcquired) counts.push(["x-acquired-count", BigInt(acquired)]);
  if (failed > 0) counts.push(["x-delivery-count", BigInt(failed)]);
  const table: Table = counts.map(([key, n]) => [key, longField("l", n)]);
  const all = ordered([...table, ...headers(message)]);
  const { content, bodyStart } = message;
  return { ...message, ...editContent(content, bodyStart, { headers: all }) };
}
