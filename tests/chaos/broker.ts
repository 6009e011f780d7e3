// What is done to the broker from inside, through rabbitmqctl.

import type { RabbitMq } from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import { oneOf } from "./plan.ts";

/** Time for a connection, a queue or a channel to be there again. */
const APPEAR_MS = 20_000;

/** Erlang: P, a connection of a process whose name starts like this. */
function connectionsOf(prefix: string): string {
  return `P <- rabbit_networking:connections(), ` +
    `{client_properties, Ps} <- rabbit_reader:info(P, [client_properties]), ` +
    `{<<"connection_name">>, _, <<"${prefix}", _/binary>>} <- Ps`;
}

/** Erlang: Q, an exclusive queue of such a connection. */
function callbackQueuesOf(prefix: string): string {
  return `${connectionsOf(prefix)}, Q <- rabbit_amqqueue:list(), ` +
    `amqqueue:get_exclusive_owner(Q) =:= P`;
}

/** Deletes one of the clients' callback queues under them. */
export async function deleteCallbackQueue(
  rabbitMq: RabbitMq,
  clientPrefix: string,
  pick: number,
): Promise<void> {
  await waitUntil("a callback queue to delete", async () => {
    const queues = await integers(
      rabbitMq,
      `[erlang:phash2(amqqueue:get_name(Q)) || ${
        callbackQueuesOf(clientPrefix)
      }]`,
    );
    if (queues.length === 0) return false;
    const deleted = await rabbitMq.ctl(
      "eval",
      `length([rabbit_amqqueue:delete(Q, false, false, <<"chaos">>) || ` +
        `${callbackQueuesOf(clientPrefix)}, ` +
        `erlang:phash2(amqqueue:get_name(Q)) =:= ${oneOf(queues, pick)}]).`,
    );
    return deleted === "1";
  }, APPEAR_MS);
}

/**
 * Makes the broker close a channel with 404 as if its client had asked for
 * what is not there. A pick below a half takes one that publishes.
 */
export async function closeChannel(
  rabbitMq: RabbitMq,
  pick: number,
): Promise<void> {
  const wanted = pick < 0.5
    ? "[{confirm, true}] =:= rabbit_channel:info(C, [confirm])"
    : "[{consumer_count, 1}] =:= rabbit_channel:info(C, [consumer_count])";
  const channels = `C <- rabbit_channel:list_local(), ${wanted}`;
  const absent =
    `{'queue.declare', 0, <<"chaos-absent">>, true, false, false, false, ` +
    `false, []}`;
  await waitUntil("a channel to close", async () => {
    const hashes = await integers(
      rabbitMq,
      `[erlang:phash2(C) || ${channels}]`,
    );
    if (hashes.length === 0) return false;
    const closed = await rabbitMq.ctl(
      "eval",
      `length([rabbit_channel:do(C, ${absent}) || ${channels}, ` +
        `erlang:phash2(C) =:= ${oneOf(hashes, (2 * pick) % 1)}]).`,
    );
    return closed === "1";
  }, APPEAR_MS);
}

/** Deletes a queue with all that waits in it, once it is there. */
export async function deleteQueue(
  rabbitMq: RabbitMq,
  queue: string,
): Promise<void> {
  await waitUntil(`the queue ${queue} to delete`, async () => {
    const deleted = await rabbitMq.ctl(
      "eval",
      `length([rabbit_amqqueue:delete(Q, false, false, <<"chaos">>) || ` +
        `Q <- rabbit_amqqueue:list(), ` +
        `{resource, _, queue, <<"${queue}">>} <- [amqqueue:get_name(Q)]]).`,
    );
    return deleted === "1";
  }, APPEAR_MS);
}

/** Messages in each queue, those in delivery too, by the queue's name. */
export async function messagesByQueue(
  rabbitMq: RabbitMq,
): Promise<Map<string, number>> {
  const table = await rabbitMq.ctl(
    "list_queues",
    "--no-table-headers",
    "name",
    "messages",
  );
  return new Map(
    table.split("\n").filter((row) => row !== "").map((row) => {
      const [name, messages] = row.split("\t");
      return [name!, Number(messages)];
    }),
  );
}

/** How many channels each connection has. */
export function channelsByConnection(rabbitMq: RabbitMq): Promise<number[]> {
  return integers(
    rabbitMq,
    "[N || P <- rabbit_networking:connections(), " +
      "{channels, N} <- rabbit_reader:info(P, [channels])]",
  );
}

/** Sorted, so that a pick does not depend on the order that Erlang lists in. */
async function integers(rabbitMq: RabbitMq, list: string): Promise<number[]> {
  // ~w, or a list of small numbers would be printed as text.
  const text = await rabbitMq.ctl("eval", `io:format("~w", [${list}]).`);
  const numbers = text.match(/\[(.*)\]/)?.[1] ?? "";
  return numbers.split(",").filter(Boolean).map(Number)
    .sort((one, other) => one - other);
}
