// What is done to the broker from inside, through rabbitmqctl.

import {
  channelsWith,
  closeChannels,
  connectionsNamed,
  countOf,
  integersOf,
} from "../support/erlang.ts";
import type { RabbitMq } from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import { oneOf } from "./plan.ts";

/** Time for a connection, a queue or a channel to be there again. */
const APPEAR_MS = 20_000;

/** Deletes one of the clients' callback queues under them. */
export async function deleteCallbackQueue(
  rabbitMq: RabbitMq,
  clientPrefix: string,
  pick: number,
): Promise<void> {
  await once("a callback queue to delete", rabbitMq, {
    hash: "erlang:phash2(amqqueue:get_name(Q))",
    all: `${connectionsNamed(clientPrefix)}, Q <- rabbit_amqqueue:list(), ` +
      `amqqueue:get_exclusive_owner(Q) =:= P`,
    pick,
    act: (chosen) => countOf(rabbitMq, DELETE_Q, chosen),
  });
}

/** Closes a channel. A pick below a half takes one that publishes. */
export async function closeChannel(
  rabbitMq: RabbitMq,
  pick: number,
): Promise<void> {
  await once("a channel to close", rabbitMq, {
    hash: "erlang:phash2(C)",
    all: channelsWith(pick < 0.5 ? "{confirm, true}" : "{consumer_count, 1}"),
    pick: (2 * pick) % 1,
    act: (chosen) => closeChannels(rabbitMq, chosen),
  });
}

/** Deletes a queue with all that waits in it, once it is there. */
export async function deleteQueue(
  rabbitMq: RabbitMq,
  queue: string,
): Promise<void> {
  const named = `Q <- rabbit_amqqueue:list(), ` +
    `{resource, _, queue, <<"${queue}">>} <- [amqqueue:get_name(Q)]`;
  await waitUntil(
    `the queue ${queue} to delete`,
    async () => await countOf(rabbitMq, DELETE_Q, named) === 1,
    APPEAR_MS,
  );
}

const DELETE_Q = `rabbit_amqqueue:delete(Q, false, false, <<"chaos">>)`;

/** Among whom a fault picks, and what it does. */
interface Choice {
  /** Erlang: tells one from the others, whatever their order. */
  hash: string;
  /** Erlang: a generator. */
  all: string;
  /** From 0 to below 1. */
  pick: number;
  /** Does it to all that a generator gives; gives how many there were. */
  act(chosen: string): Promise<number>;
}

/** Does it once; the one that was picked may be gone by then. */
async function once(
  what: string,
  rabbitMq: RabbitMq,
  { hash, all, pick, act }: Choice,
): Promise<void> {
  await waitUntil(what, async () => {
    const hashes = await integersOf(rabbitMq, hash, all);
    if (hashes.length === 0) return false;
    return await act(`${all}, ${hash} =:= ${oneOf(hashes, pick)}`) === 1;
  }, APPEAR_MS);
}

/** The number of the node, from 0, that the leader of a quorum queue is on. */
export async function leaderOf(
  rabbitMq: RabbitMq,
  queue: string,
): Promise<number> {
  const find = async () => {
    const columns = ["--no-table-headers", "name", "leader"];
    const table = await rabbitMq.ctl("list_queues", ...columns);
    const row = table.split("\n").find((row) => row.startsWith(`${queue}\t`));
    return /\trabbit-(\d+)@/.exec(row ?? "")?.[1];
  };
  const number = await waitUntil(`the leader of ${queue}`, find, APPEAR_MS);
  return Number(number) - 1;
}

/** What is in a queue. */
export interface QueueState {
  readonly name: string;
  readonly ready: number;
  readonly unacknowledged: number;
  readonly consumers: number;
}

/** All queues. */
export async function queueStates(rabbitMq: RabbitMq): Promise<QueueState[]> {
  const table = await rabbitMq.ctl(
    "list_queues",
    "--no-table-headers",
    "name",
    "messages_ready",
    "messages_unacknowledged",
    "consumers",
  );
  return table.split("\n").filter((row) => row !== "").map((row) => {
    const [name, ...counts] = row.split("\t");
    const [ready, unacknowledged, consumers] = counts.map(Number);
    return {
      name: name!,
      ready: ready!,
      unacknowledged: unacknowledged!,
      consumers: consumers!,
    };
  });
}

/** How many channels each connection has. */
export function channelsByConnection(rabbitMq: RabbitMq): Promise<number[]> {
  return integersOf(
    rabbitMq,
    "N",
    "P <- rabbit_networking:connections(), " +
      "[{channels, N}] <- [(catch rabbit_reader:info(P, [channels]))], " +
      "is_integer(N)",
  );
}
