// The faults, one function each: it begins one, and sees to its end.

import { FAULT_WEIGHTS, type FaultKind, type PlannedFault } from "../plan.ts";
import type { Fault as BrokerFault } from "../product.ts";
import type { Scope } from "../rules/troubles.ts";
import type { Cut } from "../engine/connection.ts";
import type { Ending } from "../engine/pipe.ts";
import type { Dialing, Lane } from "../engine/route.ts";
import { ClientNode } from "./client_node.ts";
import { closeChannel, deleteQueue, endConsumer } from "./inside.ts";
import type { ServerNode } from "./server_node.ts";
import type { World } from "./world.ts";

type Cause = (world: World, fault: PlannedFault) => void;

const CAUSES: Record<FaultKind, Cause> = {
  "cut": cut,
  "stall": stall,
  "slow": (world, fault) => onLanes(world, fault, { bytesPerMs: 2 }),
  "latency": (world, fault) =>
    onLanes(world, fault, { latencyMs: 300, jitterMs: 200 }),
  "refuse": (world, fault) => dialing(world, fault, "refused"),
  "ignore": (world, fault) => dialing(world, fault, "ignored"),
  "half-open": (world, fault) => dialing(world, fault, "half-open"),
  "refuse-login": refuseLogin,
  "crash-server": crashServer,
  "crash-client": crashClient,
  "close-client": closeClient,
  "stop-server": stopServer,
  "pause": pause,
  "jump-clock": jumpClock,
  "restart-broker": (world, fault) => restartBroker(world, fault, true),
  "crash-broker": (world, fault) => restartBroker(world, fault, false),
  "hold-confirms": holdConfirms,
  "refuse-messages": (world, fault) =>
    inBroker(world, fault, {}, (broker) => broker.nackPublishes()),
  "block": (world, fault) =>
    inBroker(world, fault, {}, (broker) => broker.block()),
  "delete-request-queue": deleteRequestQueue,
  "delete-callback-queue": deleteCallbackQueue,
  "delete-cancel-queue": deleteCancelQueue,
  "close-channel": closeAChannel,
  "cancel-consumer": cancelConsumer,
  "redeliver": redeliver,
};

export const KNOWN_KINDS = Object.keys(FAULT_WEIGHTS) as FaultKind[];

/** Causes a fault; one that can't be caused now is told of and left out. */
export function cause(world: World, fault: PlannedFault): void {
  CAUSES[fault.kind](world, fault);
}

type AnyNode = ClientNode | ServerNode;

function nodeOf(world: World, { side, pick }: PlannedFault): AnyNode {
  const nodes: readonly AnyNode[] = side === "client"
    ? world.clients
    : world.servers;
  return nodes[Math.floor(pick * nodes.length)]!;
}

function serverOf({ servers }: World, { pick }: PlannedFault): ServerNode {
  return servers[Math.floor(pick * servers.length)]!;
}

function scopeOf(node: AnyNode): Scope {
  return node instanceof ClientNode
    ? { client: node.name }
    : { serversOf: node.planned.queue };
}

/** Something of the fault's choice: another draw from its one number. */
function choice<T>({ pick }: PlannedFault, items: readonly T[]): T {
  return items[Math.floor(pick * 1_000) % items.length]!;
}

/** Tells of a fault that hits a node, and returns what ends it. */
function begin(
  world: World,
  { number, kind }: PlannedFault,
  scope: Scope,
  what: string,
): () => void {
  world.tell("FAULT", `${number} ${kind}: ${what}`);
  const end = world.troubles.begin(kind, scope);
  return () => {
    world.tell("FAULT", `${number} ${kind} is over`);
    end();
  };
}

function cut(world: World, fault: PlannedFault): void {
  const node = nodeOf(world, fault);
  const cuts: Cut[] = ["both", "both", "nobody", "client", "broker"];
  const how = choice(fault, cuts);
  const end = begin(world, fault, scopeOf(node), `${node.name}, ${how} told`);
  node.watched?.connection.cut(how);
  end();
}

function stall(world: World, fault: PlannedFault): void {
  onLanes(world, fault, { isStalled: true });
}

function lanesOf(node: AnyNode, { direction }: PlannedFault): Lane[] {
  const { up, down } = node.route;
  return direction === "both" ? [up, down] : [node.route[direction]];
}

/** Changes a way for a while. */
function onLanes(
  world: World,
  fault: PlannedFault,
  change: Partial<Lane>,
): void {
  const node = nodeOf(world, fault);
  const lanes = lanesOf(node, fault);
  const before = { ...world.plan, bytesPerMs: Infinity, isStalled: false };
  const { latencyMs, jitterMs, bytesPerMs, isStalled } = before;
  const what = `${node.name}, ${fault.direction}, ${fault.lengthMs} ms`;
  const end = begin(world, fault, scopeOf(node), what);
  for (const lane of lanes) Object.assign(lane, change);
  node.routeChanged();
  world.fate.after(fault.lengthMs, () => {
    const normal = { latencyMs, jitterMs, bytesPerMs, isStalled };
    for (const lane of lanes) Object.assign(lane, normal);
    node.routeChanged();
    end();
  });
}

/** Connections that are made meanwhile fail, and the present one is cut. */
function dialing(world: World, fault: PlannedFault, how: Dialing): void {
  const node = nodeOf(world, fault);
  const what = `${node.name}, ${fault.lengthMs} ms`;
  const end = begin(world, fault, scopeOf(node), what);
  node.route.dialing = how;
  node.watched?.connection.cut("both");
  world.fate.after(fault.lengthMs, () => {
    node.route.dialing = "accepted";
    end();
  });
}

function refuseLogin(world: World, fault: PlannedFault): void {
  inBroker(world, fault, {}, (broker) => {
    for (const connection of broker.connections) connection.drop();
    return broker.refuseLogins();
  });
}

function crashServer(world: World, fault: PlannedFault): void {
  const server = serverOf(world, fault);
  const how = choice<Ending>(fault, ["fin", "reset", "silence"]);
  const end = begin(world, fault, scopeOf(server), `${server.name}, ${how}`);
  server.crash(how, fault.lengthMs, end);
}

function crashClient(world: World, fault: PlannedFault): void {
  const { clients } = world;
  const client = clients[Math.floor(fault.pick * clients.length)]!;
  const how = choice<Ending>(fault, ["fin", "reset", "silence"]);
  const end = begin(world, fault, scopeOf(client), `${client.name}, ${how}`);
  client.crash(how, fault.lengthMs, end);
}

function closeClient(world: World, fault: PlannedFault): void {
  const { clients } = world;
  const client = clients[Math.floor(fault.pick * clients.length)]!;
  client.reopen(begin(world, fault, scopeOf(client), client.name));
}

function stopServer(world: World, fault: PlannedFault): void {
  const server = serverOf(world, fault);
  server.restart(begin(world, fault, scopeOf(server), server.name));
}

function pause(world: World, fault: PlannedFault): void {
  const node = nodeOf(world, fault);
  const what = `${node.name}, ${fault.lengthMs} ms`;
  const end = begin(world, fault, scopeOf(node), what);
  node.machine.pausedUntilMs = world.loop.nowMs + fault.lengthMs;
  world.fate.after(fault.lengthMs, end);
}

function jumpClock(world: World, fault: PlannedFault): void {
  const node = nodeOf(world, fault);
  const byMs = Math.round((fault.pick * 1_000 % 1 - 0.5) * 6_000);
  begin(world, fault, scopeOf(node), `${node.name}, by ${byMs} ms`)();
  node.machine.clockMs += byMs;
}

function restartBroker(
  world: World,
  fault: PlannedFault,
  isTold: boolean,
): void {
  if (world.broker.broker === undefined) return;
  const end = begin(world, fault, {}, `${fault.lengthMs} ms`);
  world.broker.restart(isTold, fault.lengthMs, end);
}

function holdConfirms(world: World, fault: PlannedFault): void {
  const node = nodeOf(world, fault);
  inBroker(world, fault, {}, (broker) => broker.holdConfirms(), () => {
    // Before they come: what was published has been taken.
    if (fault.direction !== "both") node.watched?.connection.cut("both");
  });
}

type Broker = NonNullable<World["broker"]["broker"]>;

/** A fault of the broker's own, for a while. */
function inBroker(
  world: World,
  fault: PlannedFault,
  scope: Scope,
  causeIt: (broker: Broker) => BrokerFault,
  beforeEnd: () => void = () => {},
): void {
  const { broker, machine } = world.broker;
  if (broker === undefined) return;
  const end = begin(world, fault, scope, `${fault.lengthMs} ms`);
  machine.soon(() => {
    const caused = causeIt(broker);
    machine.after(fault.lengthMs, () => {
      beforeEnd();
      caused.end();
    });
  });
  world.fate.after(fault.lengthMs + 1, end);
}

function deleteRequestQueue(world: World, fault: PlannedFault): void {
  const { queue } = fault;
  const end = begin(world, fault, { queue }, queue);
  world.broker.machine.soon(() => deleteQueue(world, queue));
  end();
}

function deleteCallbackQueue(world: World, fault: PlannedFault): void {
  const { clients } = world;
  const client = clients[Math.floor(fault.pick * clients.length)]!;
  deleteOwnQueue(world, fault, client);
}

function deleteCancelQueue(world: World, fault: PlannedFault): void {
  deleteOwnQueue(world, fault, serverOf(world, fault));
}

function deleteOwnQueue(
  world: World,
  fault: PlannedFault,
  node: AnyNode,
): void {
  const name = node.watched?.monitor.ownQueue;
  const end = begin(world, fault, scopeOf(node), `${node.name}, ${name}`);
  if (name) world.broker.machine.soon(() => deleteQueue(world, name));
  end();
}

function closeAChannel(world: World, fault: PlannedFault): void {
  const node = nodeOf(world, fault);
  const channels = node.watched?.monitor.channels ?? [];
  if (channels.length === 0) return;
  const channel = choice(fault, channels);
  const what = `${node.name}, channel ${channel}`;
  const end = begin(world, fault, scopeOf(node), what);
  const { connection, monitor } = node.watched!;
  closeChannel(connection, monitor, channel);
  end();
}

function cancelConsumer(world: World, fault: PlannedFault): void {
  const node = nodeOf(world, fault);
  const own = node.watched?.monitor.ownQueue;
  const queue = node instanceof ClientNode ? own : choice(
    fault,
    [node.planned.queue, own],
  );
  if (queue === undefined) return;
  const scope = node instanceof ClientNode ? scopeOf(node) : {
    serversOf: node.planned.queue,
  };
  const end = begin(world, fault, scope, `of ${queue}`);
  world.broker.machine.soon(() => endConsumer(world, queue, fault.pick));
  end();
}

function redeliver(world: World, fault: PlannedFault): void {
  const { queue } = fault;
  const end = begin(world, fault, { serversOf: queue }, queue);
  world.broker.machine.soon(() => {
    if (world.broker.queue(queue)) world.broker.broker?.redeliver(queue);
  });
  end();
}
