// What must not be left when no call waits.

/** What there is, of all that can be seen. */
export interface Remains {
  /** Of clients and servers: what is in their tables. */
  readonly tables: readonly {
    readonly name: string;
    readonly what: string;
    readonly count: number;
  }[];
  readonly queues: readonly QueueRemains[];
  /** Channels of each connection, by its name. */
  readonly channels: readonly (readonly [name: string, count: number])[];
  readonly mostChannels: number;
}

/** A request queue. */
export interface QueueRemains {
  readonly name: string;
  readonly ready: number;
  readonly unacknowledged: number;
  readonly consumers: number;
  /** Servers that should consume it. */
  readonly servers: number;
}

/** What is left, in words. */
export function leftovers(remains: Remains): string[] {
  const { tables, queues, channels, mostChannels } = remains;
  return [
    ...tables.filter(({ count }) => count > 0)
      .map(({ name, what, count }) => `${name} has ${count} ${what}`),
    ...queues.flatMap(leftInQueue),
    ...channels.filter(([, count]) => count > mostChannels)
      .map(([name, count]) => `${name} has ${count} channels open`),
  ];
}

function leftInQueue(queue: QueueRemains): string[] {
  const { name, ready, unacknowledged, consumers, servers } = queue;
  const left: string[] = [];
  if (ready > 0) left.push(`${ready} requests wait in ${name}`);
  if (unacknowledged > 0) {
    left.push(`${unacknowledged} requests of ${name} are not acknowledged`);
  }
  if (consumers !== servers) {
    left.push(`${name} has ${consumers} consumers, and ${servers} servers`);
  }
  return left;
}
