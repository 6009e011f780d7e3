/** What a test can see of a broker, and do to it. */
import type { Fault, PublishedTo } from "./faults.ts";
import type { Truthy, WaitOptions } from "./watch.ts";

/** A snapshot of a queue. */
export interface QueueState {
  /** The name. */
  readonly name: string;
  /** The number of messages that wait to be delivered. */
  readonly ready: number;
  /** The number of messages that were delivered and are not settled yet. */
  readonly unacknowledged: number;
  /** The number of consumers, over all connections. */
  readonly consumers: number;
}

/** A connection that a client has opened. */
export interface BrokerConnection {
  /** The client's name for it (`connection_name`); "" if there is none. */
  readonly name: string;

  /** The user who has logged in. */
  readonly user: string;

  /** The virtual host. */
  readonly vhost: string;

  /** The number of open channels. */
  readonly channels: number;

  /** Whether the client is blocked, because it published during an alarm. */
  readonly blocked: boolean;

  /** Cuts the connection without a word, like a crash or a broken network. */
  drop(): void;

  /**
   * Reads and sends nothing, not even heartbeats, until the fault ends, like a
   * broker that hangs or a network that drops everything.
   */
  stall(): Fault;

  /**
   * Blocks this client until the fault ends, as `Broker.block` blocks all.
   *
   * @param reason the reason in connection.blocked; by default "low on memory"
   * @throws {RangeError} if the reason is longer than 255 octets.
   */
  block(reason?: string): Fault;
}

/** A running broker. */
export interface Broker extends AsyncDisposable {
  /** The port it listens on. */
  readonly port: number;

  /** The URL for clients, with the name and password of the first user. */
  readonly url: string;

  /** The open connections, oldest first. */
  readonly connections: BrokerConnection[];

  /**
   * The present state of a queue; undefined if there is no such queue.
   *
   * @param vhost its virtual host; by default that of the URL
   */
  queue(name: string, vhost?: string): QueueState | undefined;

  /**
   * Waits until a condition holds. It is checked after every frame from a
   * client, so that no state goes unseen, and whenever messages or queues
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
   * @returns the condition's value, which is truthy.
   * @throws {DOMException} TimeoutError, quoting the condition, if it does not
   *   hold in time.
   * @throws {RangeError} if `timeoutMs` is negative or too long for a timer.
   */
  waitFor<T>(
    condition: () => T,
    options?: WaitOptions,
  ): Promise<Truthy<T>>;

  /**
   * Blocks publishers until the fault ends, as RabbitMQ does when it runs low
   * on memory: a client that publishes gets connection.blocked, and none of its
   * input is read any more. Clients that only consume notice nothing.
   *
   * @param reason the reason in connection.blocked; by default "low on memory"
   * @throws {RangeError} if the reason is longer than 255 octets.
   */
  block(reason?: string): Fault;

  /**
   * Refuses logins with 403 until the fault ends, even with the right password.
   *
   * @param matches whether to refuse a user; by default all are refused
   */
  refuseLogins(matches?: (user: string) => boolean): Fault;

  /**
   * Holds back all confirms until the fault ends. The messages are delivered
   * nevertheless.
   */
  holdConfirms(): Fault;

  /**
   * Drops messages and answers them with a nack until the fault ends. Only
   * channels with confirms are affected: this library stops confirming calls
   * to a queue once the queue has answered, unless they are made with
   * `confirm`.
   *
   * @param matches whether to drop a message; by default all are dropped
   */
  nackPublishes(
    matches?: (published: PublishedTo) => boolean,
  ): Fault;

  /**
   * Delivers all unsettled messages of a queue again, marked as redelivered, as
   * if their consumers had been lost. Since the consumers still have the first
   * delivery, messages arrive twice; settling the first one has no effect.
   *
   * @example A request that arrives twice runs once
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
   * @param vhost the queue's virtual host; by default that of the URL
   * @returns the number of messages that are delivered again.
   * @throws {RangeError} if there is no such queue.
   */
  redeliver(name: string, vhost?: string): number;

  /** Closes all connections, drops all messages, and frees the port. */
  close(): Promise<void>;
}
