// RabbitMQ for tests: nodes of a test's own, one node shared by all tests.

import { isThere, readTextFileIfThere } from "./files.ts";
import {
  type NeedingOptions,
  permissionsMissing,
  testNeeding,
} from "./needs.ts";
import {
  type NodePlace,
  RABBITMQ_SERVER,
  RabbitMqNode,
} from "./rabbitmq_node.ts";
import { waitUntil } from "./wait.ts";
import { tmpdir } from "node:os";

/** A private RabbitMQ node that a test may stop, block and restart. */
export interface RabbitMq extends AsyncDisposable {
  /** `amqp://guest:guest@127.0.0.1:PORT` */
  readonly url: string;
  /** The AMQP port. It stays the same when the node is restarted. */
  readonly port: number;
  /** Stops the node in good order; its data and port stay. About 1 s. */
  stop(): Promise<void>;
  /** Starts it again and waits until it accepts connections. About 5 s. */
  start(): Promise<void>;
  /** `stop()` and `start()`. */
  restart(): Promise<void>;
  /** Ends the node at once, as kill -9 does; `start()` brings it back. */
  kill(): Promise<void>;
  /** Runs rabbitmqctl against the node; returns what it prints. */
  ctl(...args: string[]): Promise<string>;
  /** Raises the memory alarm: connections that publish are blocked. */
  blockPublishers(): Promise<void>;
  /** Ends the memory alarm. */
  unblockPublishers(): Promise<void>;
  /** The last lines of the node's log. */
  logTail(): Promise<string>;
}

/** How `startRabbitMq` starts a node. */
export interface RabbitMqOptions {
  /** Further lines of rabbitmq.conf. */
  config?: string;
  /** Those to enable, of the ones that come with RabbitMQ. */
  plugins?: string[];
}

/** The node that all tests of one run share. */
export interface SharedRabbitMq {
  readonly url: string;
  readonly port: number;
  /** Runs rabbitmqctl against the node; returns what it prints. */
  ctl(...args: string[]): Promise<string>;
}

/** A virtual host of that node, which nobody else uses. */
export interface OwnVhost extends SharedRabbitMq {
  /** Its name, for `ctl("list_queues", "--vhost", vhost)`; the URL has it. */
  readonly vhost: string;
}

/** A broker to run a test against. */
export interface TestBroker {
  /** For the names of tests and steps. */
  name: string;
  url: string;
}

/** Why RabbitMQ nodes can't be started here; undefined where they can. */
export function rabbitMqMissing(): string | undefined {
  const permissions = permissionsMissing();
  if (permissions !== undefined) return permissions;
  if (isThere(RABBITMQ_SERVER)) return undefined;
  return `RabbitMQ is not installed: there is no ${RABBITMQ_SERVER}. ` +
    "On Debian: apt-get install rabbitmq-server.";
}

/**
 * Starts a private node: own name, ports, data and log, on 127.0.0.1 alone, no
 * plugins. It takes about 6 s.
 *
 * It is killed, and its data removed, when it is disposed of, or soon after
 * this process has ended for whatever reason.
 *
 * @throws Error with the end of its log if it can't be started.
 */
export async function startRabbitMq(
  options: RabbitMqOptions = {},
): Promise<RabbitMq> {
  const dir = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  const { config, plugins = [] } = options;
  const node = await RabbitMqNode.create(dir, config);
  const enabled = `[${plugins.join(", ")}].\n`;
  await Deno.writeTextFile(`${dir}/enabled_plugins`, enabled);
  await startOrDestroy(node);
  return privateNode(node);
}

/** Runs `fn` with a private node, which is gone afterwards. */
export async function withRabbitMq<T>(
  fn: (rabbitMq: RabbitMq) => T | Promise<T>,
  options: RabbitMqOptions = {},
): Promise<T> {
  await using rabbitMq = await startRabbitMq(options);
  return await fn(rabbitMq);
}

/**
 * The node that all test modules of this process share: the first to ask
 * starts it. Use names of your own, for queues and users, and leave its settings
 * alone.
 *
 * Test modules run in isolates that share nothing but the process. So the node
 * is found through a directory named after the process, and whoever manages to
 * create that directory starts the node.
 */
export async function sharedRabbitMq(): Promise<SharedRabbitMq> {
  const dir = `${tmpdir()}/rabbit-rpc-test-shared-${Deno.pid}`;
  const node = await startShared(dir) ?? await waitForShared(dir);
  return {
    url: node.url,
    port: node.place.port,
    ctl: (...args) => node.ctl(...args),
  };
}

/**
 * A new virtual host of the shared node: queues, exchanges and connections of
 * a test's own, far sooner than a node of its own. The user guest may do all.
 */
export async function ownVhost(): Promise<OwnVhost> {
  const { url, port, ctl } = await sharedRabbitMq();
  const vhost = `test-${crypto.randomUUID()}`;
  await ctl("add_vhost", vhost);
  await ctl("set_permissions", "--vhost", vhost, "guest", ".*", ".*", ".*");
  return { url: `${url}/${vhost}`, port, vhost, ctl };
}

/**
 * The shared private node, and the broker that `RABBIT_RPC_TEST_URL` names, if
 * any. Where RabbitMQ is missing, the latter alone.
 */
export async function testBrokers(): Promise<TestBroker[]> {
  const brokers: TestBroker[] = [];
  if (rabbitMqMissing() === undefined) {
    brokers.push({ name: "RabbitMQ", url: (await sharedRabbitMq()).url });
  }
  const url = Deno.env.get("RABBIT_RPC_TEST_URL");
  if (url) brokers.push({ name: "RABBIT_RPC_TEST_URL", url });
  return brokers;
}

/** The function of a test. */
export type TestFunction = Deno.TestDefinition["fn"];

/** The options of `rabbitMqTest`: those of Deno.test, and what else is needed. */
export type RabbitMqTestOptions = Partial<NeedingOptions>;

/**
 * Registers a test that needs RabbitMQ. Where it is missing the test is
 * ignored and the reason printed; with `RABBIT_RPC_TEST_REQUIRE_ALL=1` it fails.
 */
export function rabbitMqTest(name: string, fn: TestFunction): void;
export function rabbitMqTest(
  name: string,
  options: RabbitMqTestOptions,
  fn: TestFunction,
): void;
export function rabbitMqTest(
  name: string,
  optionsOrFn: RabbitMqTestOptions | TestFunction,
  maybeFn?: TestFunction,
): void {
  const [options, fn] = typeof optionsOrFn === "function"
    ? [{}, optionsOrFn]
    : [optionsOrFn, maybeFn];
  if (fn === undefined) throw new TypeError(`test "${name}" has no function`);
  const needs = [rabbitMqMissing(), ...options.needs ?? []];
  testNeeding(name, { ...options, needs }, fn);
}

/** A node as tests see it. */
export function privateNode(node: RabbitMqNode): RabbitMq {
  const setMemoryLimit = async (fraction: string) => {
    await node.ctl("set_vm_memory_high_watermark", fraction);
  };
  return {
    url: node.url,
    port: node.place.port,
    stop: () => node.stop(),
    start: () => node.start(),
    restart: async () => {
      await node.stop();
      await node.start();
    },
    kill: () => node.kill(),
    ctl: (...args) => node.ctl(...args),
    blockPublishers: () => setMemoryLimit("0.0000001"),
    unblockPublishers: () => setMemoryLimit("0.4"),
    logTail: () => node.logTail(),
    [Symbol.asyncDispose]: () => node.destroy(),
  };
}

/** Starts a node, and leaves nothing of it where that fails. */
export async function startOrDestroy(node: RabbitMqNode): Promise<void> {
  try {
    await node.start();
  } catch (error) {
    await node.destroy();
    throw error;
  }
}

/** Starts the shared node; undefined if another isolate has begun to. */
async function startShared(dir: string): Promise<RabbitMqNode | undefined> {
  try {
    await Deno.mkdir(dir, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    throw error;
  }
  const node = await RabbitMqNode.create(dir);
  await startOrDestroy(node);
  await writeAtOnce(`${dir}/ready`, JSON.stringify(node.place));
  return node;
}

async function waitForShared(dir: string): Promise<RabbitMqNode> {
  const place = await waitUntil(`${dir}/ready`, async () => {
    if (!isThere(dir)) {
      throw new Error(
        "the shared RabbitMQ could not be started; the test module that tried " +
          "says why",
      );
    }
    return await readTextFileIfThere(`${dir}/ready`);
  }, 90_000);
  return new RabbitMqNode(JSON.parse(place) as NodePlace);
}

/** Writes a file that nobody can see half-written. */
async function writeAtOnce(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text);
  await Deno.rename(`${path}.new`, path);
}
