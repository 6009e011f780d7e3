// A RabbitMQ cluster for tests: private nodes that know each other.

import { cleanEnvironment } from "./environment.ts";
import { freePort } from "./ports.ts";
import { privateNode, type RabbitMq, startOrDestroy } from "./rabbitmq.ts";
import { erlangName, RABBITMQ_ROOT, RabbitMqNode } from "./rabbitmq_node.ts";

const EPMD = `${import.meta.dirname}/shared_epmd.sh`;

/** Nodes of one cluster, each of which a test may stop, kill and restart. */
export interface Cluster extends AsyncDisposable {
  readonly nodes: readonly RabbitMq[];
}

/**
 * Starts a cluster of so many private nodes, on 127.0.0.1 alone: the first one,
 * and then all others, which join it. Three take about 15 s.
 *
 * They are killed, and their data removed, when the cluster is disposed of, or
 * soon after this process has ended for whatever reason.
 *
 * @throws Error with the end of its log if a node can't be started.
 */
export async function startCluster(size: number): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const cookie = crypto.randomUUID();
  const epmdPort = await startEpmd(stack);
  const join = async (index: number) => {
    const dir = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
    const member = { name: `rabbit-${index + 1}`, cookie, epmdPort };
    await Deno.writeTextFile(`${dir}/advanced.config`, ADVANCED);
    const node = await RabbitMqNode.create(dir, FORMATION, member);
    await startOrDestroy(node);
    stack.defer(() => node.destroy());
    return privateNode(node);
  };
  const first = await join(0);
  const others = Array.from({ length: size - 1 }, (_, n) => join(n + 1));
  const nodes = [first, ...await all(others)];
  const started = stack.move();
  return { nodes, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** Whom a new node joins. */
const FORMATION = [
  "cluster_formation.peer_discovery_backend = classic_config",
  `cluster_formation.classic_config.nodes.1 = ${erlangName("rabbit-1")}`,
].join("\n");

/**
 * How long quorum queues keep what the consumers of a lost node held, since
 * RabbitMQ 4.3: a minute, if nothing is said. Older ones have no such setting,
 * so it is none of rabbitmq.conf, which refuses what it does not know.
 */
const ADVANCED = "[{rabbit, [{consumer_disconnected_timeout, 2000}]}].\n";

/** The port of an epmd that outlasts every node. */
async function startEpmd(stack: AsyncDisposableStack): Promise<number> {
  const dir = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const port = freePort();
  const { code } = await new Deno.Command("setsid", {
    args: [
      "--fork",
      "sh",
      EPMD,
      String(Deno.pid),
      dir,
      String(port),
      RABBITMQ_ROOT,
    ],
    cwd: dir,
    env: cleanEnvironment(),
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  if (code !== 0) throw new Error(`setsid failed with status ${code}`);
  return port;
}

/** As Promise.all, but with nothing under way any more when it throws. */
async function all<T>(promises: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
