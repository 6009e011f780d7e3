// A channel of the client in client.ts, with the calls that tests need.

import type { Writer } from "../../../src/amqp091/writer.ts";
import { byteString, toBytes } from "../../../src/amqp091/reader.ts";
import type { Table } from "../../../src/amqp091/table.ts";
import type { Client, EventOf } from "./client.ts";
import type { ServerArguments, ServerMethod } from "./methods.ts";

import { encodeProperties, type TestProperties } from "./properties.ts";

const bit = (...values: (boolean | undefined)[]) =>
  values.reduce((all, value, i) => all | (value ? 1 << i : 0), 0);

/** A channel, with the calls that tests need. */
export class TestChannel {
  constructor(readonly client: Client, readonly number: number) {}

  /** The next thing the server sends on this channel. */
  next<Name extends ServerMethod>(name: Name): Promise<EventOf<Name>> {
    return this.client.next(name, this.number);
  }

  send(
    classId: number,
    method: number,
    write?: (o: Writer) => unknown,
  ): Promise<void> {
    return this.client.send(this.number, classId, method, write);
  }

  /** The channel.close that answers what was just sent, acknowledged. */
  async refused(): Promise<string> {
    return (await this.closedWith()).replyText;
  }

  async closedWith(): Promise<ServerArguments<"channel.close">> {
    const event = await this.client.event(
      (e) => e.channel === this.number && e.name === "channel.close",
      "channel.close",
    );
    await this.send(20, 41);
    return event.args as ServerArguments<"channel.close">;
  }

  async declareQueue(queue: string, options: {
    passive?: boolean;
    durable?: boolean;
    exclusive?: boolean;
    autoDelete?: boolean;
    args?: Table;
  } = {}): Promise<EventOf<"queue.declare-ok">> {
    await this.sendDeclareQueue(queue, options);
    return await this.next("queue.declare-ok");
  }

  /** Durable unless said otherwise: RabbitMQ 4.3 wants that, or exclusive. */
  sendDeclareQueue(queue: string, o: {
    passive?: boolean;
    durable?: boolean;
    exclusive?: boolean;
    autoDelete?: boolean;
    args?: Table;
  } = {}): Promise<void> {
    return this.send(50, 10, (w) =>
      w.short(0).shortstr(queue)
        .octet(bit(o.passive, o.durable ?? true, o.exclusive, o.autoDelete))
        .table(o.args ?? []));
  }

  async declareExchange(exchange: string, type: string, options: {
    passive?: boolean;
    durable?: boolean;
    autoDelete?: boolean;
    internal?: boolean;
    args?: Table;
  } = {}): Promise<void> {
    await this.sendDeclareExchange(exchange, type, options);
    await this.next("exchange.declare-ok");
  }

  sendDeclareExchange(exchange: string, type: string, o: {
    passive?: boolean;
    durable?: boolean;
    autoDelete?: boolean;
    internal?: boolean;
    args?: Table;
  } = {}): Promise<void> {
    return this.send(40, 10, (w) =>
      w.short(0).shortstr(exchange).shortstr(type)
        .octet(bit(o.passive, o.durable, o.autoDelete, o.internal))
        .table(o.args ?? []));
  }

  async bind(
    queue: string,
    exchange: string,
    key = "",
    args: Table = [],
  ): Promise<void> {
    await this.sendBind(queue, exchange, key, args);
    await this.next("queue.bind-ok");
  }

  sendBind(
    queue: string,
    exchange: string,
    key = "",
    args: Table = [],
  ): Promise<void> {
    return this.send(
      50,
      20,
      (w) =>
        w.short(0).shortstr(queue).shortstr(exchange).shortstr(key).octet(0)
          .table(args),
    );
  }

  async publish(
    exchange: string,
    key: string,
    body: string | Uint8Array,
    options: {
      mandatory?: boolean;
      immediate?: boolean;
      properties?: TestProperties | Uint8Array;
    } = {},
  ): Promise<void> {
    this.writePublish(exchange, key, body, options);
    await this.client.flush();
  }

  /** Writes a publish without sending it yet. */
  writePublish(
    exchange: string,
    key: string,
    body: string | Uint8Array,
    options: {
      mandatory?: boolean;
      immediate?: boolean;
      properties?: TestProperties | Uint8Array;
    } = {},
  ): void {
    this.client.write(
      this.number,
      60,
      40,
      (w) =>
        w.short(0).shortstr(exchange).shortstr(key)
          .octet(bit(options.mandatory, options.immediate)),
    );
    const { properties = {} } = options;
    const head = properties instanceof Uint8Array
      ? properties
      : encodeProperties(properties);
    const bytes = typeof body === "string" ? toBytes(body) : body;
    const content = new Uint8Array(head.length + bytes.length);
    content.set(head);
    content.set(bytes, head.length);
    this.client.out.content(
      this.number,
      content,
      head.length,
      this.client.frameMax,
    );
  }

  async consume(queue: string, options: {
    tag?: string;
    noAck?: boolean;
    exclusive?: boolean;
    args?: Table;
  } = {}): Promise<string> {
    await this.sendConsume(queue, options);
    return (await this.next("basic.consume-ok")).consumerTag;
  }

  sendConsume(queue: string, o: {
    tag?: string;
    noAck?: boolean;
    exclusive?: boolean;
    args?: Table;
  } = {}): Promise<void> {
    return this.send(
      60,
      20,
      (w) =>
        w.short(0).shortstr(queue).shortstr(o.tag ?? "")
          .octet(bit(false, o.noAck, o.exclusive, false)).table(o.args ?? []),
    );
  }

  async cancel(tag: string): Promise<void> {
    await this.send(60, 30, (w) => w.shortstr(tag).octet(0));
    await this.next("basic.cancel-ok");
  }

  async qos(count: number, global = false): Promise<void> {
    await this.send(60, 10, (w) => w.long(0).short(count).octet(bit(global)));
    await this.next("basic.qos-ok");
  }

  /** The first message, or undefined if there is none. */
  async get(
    queue: string,
    noAck = true,
  ): Promise<EventOf<"basic.get-ok"> | undefined> {
    await this.send(
      60,
      70,
      (w) => w.short(0).shortstr(queue).octet(bit(noAck)),
    );
    const event = await this.client.event(
      (e) => e.channel === this.number && e.name.startsWith("basic.get-"),
      "answer to basic.get",
    );
    if (event.name === "basic.get-empty") return undefined;
    const args = event.args as ServerArguments<"basic.get-ok">;
    const { properties, body } = event;
    return { ...args, properties, body, text: byteString(body) };
  }

  ack(tag: number, multiple = false): Promise<void> {
    return this.send(60, 80, (w) => w.longlong(tag).octet(bit(multiple)));
  }

  nack(
    tag: number,
    options: { multiple?: boolean; requeue?: boolean } = {},
  ): Promise<void> {
    return this.send(
      60,
      120,
      (w) => w.longlong(tag).octet(bit(options.multiple, options.requeue)),
    );
  }

  reject(tag: number, requeue: boolean): Promise<void> {
    return this.send(60, 90, (w) => w.longlong(tag).octet(bit(requeue)));
  }

  async confirmSelect(): Promise<void> {
    await this.send(85, 10, (w) => w.octet(0));
    await this.next("confirm.select-ok");
  }

  async purge(queue: string): Promise<number> {
    await this.send(50, 30, (w) => w.short(0).shortstr(queue).octet(0));
    return (await this.next("queue.purge-ok")).messages;
  }

  sendDeleteQueue(
    queue: string,
    ifUnused = false,
    ifEmpty = false,
  ): Promise<void> {
    return this.send(
      50,
      40,
      (w) => w.short(0).shortstr(queue).octet(bit(ifUnused, ifEmpty)),
    );
  }

  async deleteQueue(queue: string): Promise<number> {
    await this.sendDeleteQueue(queue);
    return (await this.next("queue.delete-ok")).messages;
  }

  sendDeleteExchange(exchange: string, ifUnused = false): Promise<void> {
    return this.send(
      40,
      20,
      (w) => w.short(0).shortstr(exchange).octet(bit(ifUnused)),
    );
  }

  async close(): Promise<void> {
    await this.send(20, 40, (w) => w.short(200).shortstr("").long(0));
    await this.next("channel.close-ok");
  }
}
