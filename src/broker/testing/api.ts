/** What a broker looks like to the test that started it. */
import type { Fault, PublishedTo } from "./faults.ts";
import type { Truthy, WaitOptions } from "./watch.ts";

/** A queue, as it was when asked for. */
export interface QueueState {
  /** The name that it was declared with. */
  readonly name: string;
  /** Messages that wait to be delivered. */
  readonly ready: number;
  /** Messages that were delivered and are not settled. */
  readonly unacknowledged: number;
  /** Consumers, of all connections. */
  readonly consumers: number;
}

/** A connection that a client has opened. */
export interface BrokerConnection {
  /** The name that the client gave it (`connection_name`), "" if none. */
  readonly name: string;

  /** The user who has logged in. */
  readonly user: string;

  /** The virtual host. */
  readonly vhost: string;

  /** How many channels are open. */
  readonly channels: number;

  /** Whether the client is blocked: it has published during an alarm. */
  readonly blocked: boolean;

  /** Cuts it without a word, as a crash or a broken line does. */
  drop(): void;

  /**
   * Reads and sends nothing, heartbeats included, until the fault ends: the
   * broker hangs, or the line has gone dead. Then all goes on.
   */
  stall(): Fault;

  /**
   * Blocks this client alone until the fault ends, as `Broker.block` does
   * with all.
   *
   * @param reason what connection.blocked says, "low on memory" by default
   * @throws {RangeError} if the reason is longer than 255 octets.
   */
  block(reason?: string): Fault;
}

/** A running broker. */
export interface Broker extends AsyncDisposable {
  /** The port that it listens on. */
  readonly port: number;

  /** The URL to give to clients, with the first user's name and password. */
  readonly url: string;

  /** The connections that clients have opened, oldest first. */
  readonly connections: BrokerConnection[];

  /**
   * A queue as it is now; undefined if there is none of that name.
   *
   * @param vhost its virtual host, that of the URL by default
   */
  queue(name: string, vhost?: string): QueueState | undefined;

  /**
   * Waits until a condition holds. It is looked at after every frame that a
   * client sends, so that nothing is missed, and when messages or queues
   * expire or connections end.
   *
   * @example
   * ```ts
   * import { startBroker } from "@rabbit-rpc/rabbit-rpc/broker";
   * import { connect } from "@rabbit-rpc/rabbit-rpc";
   *
   * await using broker = await startBroker();
   * await using rpc = await connect(broker.url);
   * await using server = await rpc.serve("jobs", () => "done");
   * await broker.waitFor(() => broker.queue("jobs")?.consumers === 1);
   * ```
   *
   * @returns what the condition returned, which is truthy.
   * @throws {DOMException} TimeoutError, naming the condition, if it does not
   *   hold in time.
   * @throws {RangeError} if the time is none that a timer takes.
   */
  waitFor<T>(
    condition: () => T,
    options?: WaitOptions,
  ): Promise<Truthy<T>>;

  /**
   * Blocks publishers until the fault ends, as RabbitMQ does when it runs low
   * on memory: whoever publishes gets connection.blocked, and is read from no
   * more. Those who only consume notice nothing.
   *
   * @param reason what connection.blocked says, "low on memory" by default
   * @throws {RangeError} if the reason is longer than 255 octets.
   */
  block(reason?: string): Fault;

  /**
   * Refuses logins with 403 until the fault ends, right passwords or not.
   *
   * @param matches whose; everybody's by default
   */
  refuseLogins(matches?: (user: string) => boolean): Fault;

  /**
   * Confirms no publish until the fault ends, then all of them. The messages
   * are delivered all the same.
   */
  holdConfirms(): Fault;

  /**
   * Refuses to take messages until the fault ends: they are dropped, and
   * their publishers get a nack. Those who asked for no confirms, or publish
   * in transactions, are left alone: of calls of this library those to a queue
   * that has answered, unless they are made with `confirm`.
   *
   * @param matches which messages; all by default
   */
  nackPublishes(
    matches?: (published: PublishedTo) => boolean,
  ): Fault;

  /**
   * Delivers again all that the consumers of a queue were sent and have not
   * settled, flagged as redelivered, as if they were lost; yet they still
   * have it, and settling it now changes nothing. So messages arrive twice.
   *
   * @example Is a request that comes twice run once?
   * ```ts
   * import { startBroker } from "@rabbit-rpc/rabbit-rpc/broker";
   * import { connect } from "@rabbit-rpc/rabbit-rpc";
   * import assert from "node:assert/strict";
   *
   * await using broker = await startBroker();
   * await using rpc = await connect(broker.url);
   * let runs = 0;
   * await using server = await rpc.serve("charge", () => {
   *   runs++;
   *   assert.equal(broker.redeliver("charge"), 1);
   *   return "charged";
   * });
   * const reply = await rpc.call("charge", "", { retries: 1 });
   * assert.equal(reply.text(), "charged");
   * await broker.waitFor(() => broker.queue("charge")?.unacknowledged === 0);
   * assert.equal(runs, 1);
   * ```
   *
   * @param vhost the queue's virtual host, that of the URL by default
   * @returns how many messages
   * @throws {RangeError} if there is no such queue.
   */
  redeliver(name: string, vhost?: string): number;

  /** Closes all connections, forgets everything, and frees the port. */
  close(): Promise<void>;
}
