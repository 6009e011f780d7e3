// What must not be left when all is quiet, and when all is closed.

import type { World } from "../world/world.ts";

/** One to consume, one or two to publish, one for cancels, one to spare. */
const MOST_CHANNELS = 5;
/** Entries of a client's own tables, and listeners. */
const MOST_LEFT_OVER = 0;

/** What is left although no call waits. */
export function notQuiet(world: World): string[] {
  const { broker, clients, servers, plan } = world;
  const left: string[] = [];
  const expect = (isSo: boolean, what: string) => {
    if (!isSo) left.push(what);
  };
  for (const { name, pending, leftOver } of clients) {
    expect(pending === 0, `${name} has ${pending} calls that wait`);
    expect(
      leftOver <= MOST_LEFT_OVER,
      `${name} has ${leftOver} entries and listeners left`,
    );
  }
  for (const { name, watched } of world.nodes) {
    const unsettled = watched?.monitor.unsettled ?? 0;
    expect(unsettled === 0, `${name} has ${unsettled} deliveries unsettled`);
  }
  for (const { name, inHand } of servers) {
    expect(inHand === 0, `${name} has ${inHand} requests in hand`);
  }
  for (const queue of plan.queues) {
    const state = broker.broker?.queue(queue);
    const serving = servers.filter((it) => it.planned.queue === queue).length;
    if (state === undefined) {
      expect(false, `queue ${queue} is missing`);
      continue;
    }
    const { ready, unacknowledged, consumers } = state;
    expect(ready === 0, `${ready} requests wait in ${queue}`);
    expect(
      unacknowledged === 0,
      `${unacknowledged} requests of ${queue} are not acknowledged`,
    );
    expect(
      consumers === serving,
      `${queue} has ${consumers} consumers, and ${serving} servers`,
    );
  }
  for (const { name, channels } of broker.broker?.connections ?? []) {
    expect(channels <= MOST_CHANNELS, `${name} has ${channels} channels open`);
  }
  const connections = broker.broker?.connections.length ?? 0;
  expect(
    connections <= clients.length + servers.length,
    `the broker has ${connections} connections`,
  );
  return left;
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
