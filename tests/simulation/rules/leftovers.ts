// What must not be left when all is quiet, and when all is closed.

import { leftovers, type Remains } from "../../rules/leftovers.ts";
import type { World } from "../world/world.ts";

/** One to consume, one or two to publish, one for cancels, one to spare. */
const MOST_CHANNELS = 5;

/** What listens to a connection: each consumer, each publisher, and itself. */
const MOST_ENTRIES = 4;

/** What is left although no call waits. */
export function notQuiet(world: World): string[] {
  const { broker: { broker }, clients, servers, plan } = world;
  const connections = broker?.connections ?? [];
  const left = leftovers({
    tables: tablesOf(world),
    queues: plan.queues.flatMap((name) => {
      const queue = broker?.queue(name);
      if (queue === undefined) return [];
      const { ready, unacknowledged, consumers } = queue;
      const serving = servers.filter((it) => it.planned.queue === name).length;
      return { name, ready, unacknowledged, consumers, servers: serving };
    }),
    channels: connections.map(({ name, channels }) => [name, channels]),
    mostChannels: MOST_CHANNELS,
  });
  for (const name of plan.queues) {
    if (!broker?.queue(name)) left.push(`queue ${name} is missing`);
  }
  if (connections.length > clients.length + servers.length) {
    left.push(`the broker has ${connections.length} connections`);
  }
  return left;
}

function tablesOf({ clients, servers, nodes }: World): Remains["tables"] {
  return [
    ...clients.flatMap(({ name, pending, leftOver }) => [
      { name, what: "calls that wait", count: pending },
      { name, what: "entries and listeners left", count: leftOver },
    ]),
    ...servers.flatMap(({ name, inHand, leftOver }) => [
      { name, what: "requests in hand", count: inHand },
      { name, what: "entries left in its tables", count: leftOver },
    ]),
    ...nodes.flatMap(({ name, watched, connectionEntries }) => [
      {
        name,
        what: "deliveries unsettled",
        count: watched?.monitor.unsettled ?? 0,
      },
      {
        name,
        what: "entries in a table of its connection",
        count: connectionEntries > MOST_ENTRIES ? connectionEntries : 0,
      },
    ]),
  ];
}

/** What is left although clients and servers are closed. */
export function notClosed(world: World): string[] {
  const { broker, nodes } = world;
  const left: string[] = [];
  const expect = (isSo: boolean, what: string) => {
    if (!isSo) left.push(what);
  };
  const connections = broker.broker?.connections.length ?? 0;
  expect(connections === 0, `the broker has ${connections} connections`);
  for (const { name, timers, watched } of nodes) {
    expect(timers === 0, `${name} has ${timers} timers left`);
    const isClosed = watched?.connection.client.isClosed ?? true;
    expect(isClosed, `${name} has not closed its connection`);
  }
  return left;
}
