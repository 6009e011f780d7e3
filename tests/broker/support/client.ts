// A tiny AMQP client for tests: it sends what it is told to, valid or not,
// and hands over what the server sends, in order.

import { FrameBuffer, HEARTBEAT, METHOD } from "../../../src/broker/frames.ts";
import { Output } from "../../../src/broker/output.ts";
import {
  byteString,
  encodeText,
  Reader,
  toBytes,
} from "../../../src/broker/reader.ts";
import {
  booleanField,
  stringField,
  type Table,
  tableField,
} from "../../../src/broker/table.ts";
import {
  decodeMethod,
  hasContent,
  type ServerArguments,
  type ServerMethod,
} from "./methods.ts";

const PATIENCE_MS = 5000;

/** A method from the server, with the message that followed it. */
export interface Event {
  name: ServerMethod | "end" | "heartbeat";
  channel: number;
  args: object;
  properties: Uint8Array;
  body: Uint8Array;
}

/** An event of a known kind. */
export type EventOf<Name extends ServerMethod> =
  & ServerArguments<Name>
  & { properties: Uint8Array; body: Uint8Array; text: string };

/** How to connect. */
export interface ConnectOptions {
  user?: string;
  password?: string;
  vhost?: string;
  mechanism?: string;
  response?: string;
  capabilities?: string[];
  channelMax?: number;
  frameMax?: number;
  heartbeat?: number;
}

/** A connection. */
export class Client implements AsyncDisposable {
  readonly conn: Deno.TcpConn;
  readonly out: Output = new Output();
  readonly #frames = new FrameBuffer();
  readonly #events: Event[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #reading: Promise<void>;
  #paused = false;
  #disposed = Promise.withResolvers<void>();
  frameMax = 131072;

  private constructor(conn: Deno.TcpConn) {
    this.conn = conn;
    this.#frames.frameMax = 131072;
    this.#reading = this.#read();
  }

  /** Reads nothing any more. */
  pause(): void {
    this.#paused = true;
  }

  /** A connection on which nothing has been sent. */
  static async dial(url: string): Promise<Client> {
    const { hostname, port } = new URL(url);
    const conn = await Deno.connect({ hostname, port: Number(port) });
    conn.setNoDelay(true);
    return new Client(conn);
  }

  /** A connection after a whole handshake. */
  static async connect(
    url: string,
    options: ConnectOptions = {},
  ): Promise<Client> {
    const client = await Client.dial(url);
    await client.start(options);
    const tune = await client.next("connection.tune");
    await client.tuneOk(options, tune);
    await client.open(options.vhost ?? "/");
    await client.next("connection.open-ok");
    return client;
  }

  /** Sends the protocol header and start-ok. */
  async start(
    options: ConnectOptions = {},
  ): Promise<EventOf<"connection.start">> {
    await this.sendBytes(toBytes("AMQP\x00\x00\x09\x01"));
    const start = await this.next("connection.start");
    const { user = "guest", password = "guest" } = options;
    const capabilities = (options.capabilities ?? []).map((name) =>
      [name, booleanField(true)] as const
    );
    await this.send(
      0,
      10,
      11,
      (o) =>
        o.table([["capabilities", tableField(capabilities)]])
          .shortstr(options.mechanism ?? "PLAIN")
          .longstr(options.response ?? encodeText(`\0${user}\0${password}`))
          .shortstr("en_US"),
    );
    return start;
  }

  async tuneOk(
    options: ConnectOptions,
    tune: { channelMax: number; frameMax: number },
  ): Promise<void> {
    this.frameMax = options.frameMax ?? tune.frameMax;
    await this.send(
      0,
      10,
      31,
      (o) =>
        o.short(options.channelMax ?? tune.channelMax).long(this.frameMax)
          .short(options.heartbeat ?? 0),
    );
  }

  async open(vhost: string): Promise<void> {
    await this.send(0, 10, 40, (o) => o.shortstr(vhost).shortstr("").octet(0));
  }

  /** Sends a method. */
  async send(
    channel: number,
    classId: number,
    method: number,
    write: (out: Output) => unknown = () => {},
  ): Promise<void> {
    this.write(channel, classId, method, write);
    await this.flush();
  }

  /** Writes a method without sending it yet. */
  write(
    channel: number,
    classId: number,
    method: number,
    write: (out: Output) => unknown = () => {},
  ): void {
    write(this.out.method(channel, classId * 0x10000 + method));
    this.out.end();
  }

  async flush(): Promise<void> {
    await this.sendBytes(this.out.take());
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.conn.write(bytes.subarray(at));
    }
  }

  /** Sends a frame of any kind. */
  async sendFrame(
    type: number,
    channel: number,
    payload: Uint8Array,
  ): Promise<void> {
    const o = new Output();
    o.octet(type).short(channel).long(payload.length).raw(payload);
    o.octet(0xce);
    await this.sendBytes(o.take());
  }

  /** The next event that `wanted` accepts; others stay for later. */
  async event(wanted: (event: Event) => boolean, what: string): Promise<Event> {
    const endAt = performance.now() + PATIENCE_MS;
    while (true) {
      const at = this.#events.findIndex(wanted);
      if (at >= 0) return this.#events.splice(at, 1)[0];
      const leftMs = endAt - performance.now();
      if (leftMs <= 0) {
        const seen = this.#events.map((e) =>
          `${e.channel}:${e.name} ${JSON.stringify(e.args)}`
        );
        throw new Error(`no ${what}, but [${seen.join("; ")}]`);
      }
      await this.#someEvent(leftMs);
    }
  }

  /** The next event of a channel, which has to be of this kind. */
  async next<Name extends ServerMethod>(
    name: Name,
    channel = 0,
  ): Promise<EventOf<Name>> {
    const event = await this.event(
      (e) => e.channel === channel && e.name !== "heartbeat",
      `${name} on channel ${channel}`,
    );
    if (event.name !== name) {
      throw new Error(
        `expected ${name} on channel ${channel}, got ${event.name} ${
          JSON.stringify(event.args)
        }`,
      );
    }
    const { properties, body } = event;
    const text = byteString(body);
    return { ...event.args, properties, body, text } as EventOf<Name>;
  }

  /** An event that has come and was not asked for yet. */
  peek(name: Event["name"]): Event | undefined {
    return this.#events.find((event) => event.name === name);
  }

  /** Waits for the server to end the connection. */
  async ended(): Promise<void> {
    await this.event((e) => e.name === "end", "end of the connection");
  }

  /** The server's connection.close, acknowledged, and the end after it. */
  async closed(): Promise<EventOf<"connection.close">> {
    const close = await this.next("connection.close");
    try {
      await this.send(0, 10, 51);
    } catch {
      // The server need not wait for it.
    }
    return close;
  }

  async channel(number = 1): Promise<TestChannel> {
    await this.send(number, 20, 10, (o) => o.shortstr(""));
    await this.next("channel.open-ok", number);
    return new TestChannel(this, number);
  }

  /** Closes in good order. */
  async close(): Promise<void> {
    await this.send(0, 10, 50, (o) => o.short(200).shortstr("").long(0));
    await this.next("connection.close-ok");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.resolve();
    try {
      this.conn.close();
    } catch {
      // Closed by the test already.
    }
    await this.#reading;
  }

  async #someEvent(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const timer = setTimeout(resolve, timeoutMs);
    await promise;
    clearTimeout(timer);
  }

  #push(event: Partial<Event> & Pick<Event, "name">): void {
    const none = new Uint8Array(0);
    this.#events.push({
      channel: 0,
      args: {},
      properties: none,
      body: none,
      ...event,
    });
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #read(): Promise<void> {
    const partial = new Map<
      number,
      { event: Event; left: number; parts: Uint8Array[] }
    >();
    try {
      while (true) {
        if (this.#paused) await this.#disposed.promise;
        const size = await this.conn.read(this.#frames.space());
        if (size === null) break;
        this.#frames.filled(size);
        while (this.#frames.next()) this.#take(partial);
      }
    } catch {
      // A reset ends the connection as well.
    }
    this.#push({ name: "end" });
  }

  #take(
    partial: Map<number, { event: Event; left: number; parts: Uint8Array[] }>,
  ): void {
    const { type, channel, bytes, start, end } = this.#frames;
    const payload = bytes.slice(start, end);
    if (type === HEARTBEAT) return this.#push({ name: "heartbeat" });
    if (type === METHOD) {
      const { name, args } = decodeMethod(payload);
      const event = { name, channel, args };
      if (!hasContent(name)) return this.#push(event);
      const none = new Uint8Array(0);
      const whole = { ...event, properties: none, body: none };
      partial.set(channel, { event: whole, left: -1, parts: [] });
      return;
    }
    const state = partial.get(channel);
    if (state === undefined) throw new Error("content without a method");
    if (state.left < 0) {
      const reader = new Reader(payload, 4);
      state.left = reader.longlong();
      state.event.properties = payload.subarray(reader.position);
    } else {
      state.left -= payload.length;
      state.parts.push(payload);
    }
    if (state.left > 0) return;
    partial.delete(channel);
    state.event.body = toBytes(state.parts.map((p) => byteString(p)).join(""));
    this.#push(state.event);
  }
}

/** Properties by name, of those that tests use. */
export interface TestProperties {
  headers?: Table;
  priority?: number;
  correlationId?: string;
  replyTo?: string;
  expiration?: string;
  userId?: string;
}

/** Properties as they stand in a content header. */
export function encodeProperties(p: TestProperties): Uint8Array {
  const o = new Output();
  const has = (value: unknown, flag: number) => value === undefined ? 0 : flag;
  o.short(
    has(p.headers, 0x2000) | has(p.priority, 0x800) |
      has(p.correlationId, 0x400) | has(p.replyTo, 0x200) |
      has(p.expiration, 0x100) | has(p.userId, 0x10),
  );
  if (p.headers !== undefined) o.table(p.headers);
  if (p.priority !== undefined) o.octet(p.priority);
  for (const text of [p.correlationId, p.replyTo, p.expiration, p.userId]) {
    if (text !== undefined) o.shortstr(text);
  }
  return o.take();
}

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
    write?: (o: Output) => unknown,
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

  sendDeclareQueue(queue: string, o: {
    passive?: boolean;
    durable?: boolean;
    exclusive?: boolean;
    autoDelete?: boolean;
    args?: Table;
  } = {}): Promise<void> {
    return this.send(50, 10, (w) =>
      w.short(0).shortstr(queue)
        .octet(bit(o.passive, o.durable, o.exclusive, o.autoDelete))
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
    this.client.out.content(this.number, {
      exchange,
      routingKey: key,
      content,
      bodyStart: head.length,
      priority: 0,
      expirationMs: undefined,
      copies: undefined,
    }, this.client.frameMax);
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

/** A string table of arguments, for short tests. */
export function args(
  entries: Record<string, string | number | boolean>,
): Table {
  return Object.entries(entries).map(([key, value]) => {
    if (typeof value === "string") return [key, stringField(value)] as const;
    if (typeof value === "boolean") return [key, booleanField(value)] as const;
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, value);
    return [key, { tag: "I", bytes }] as const;
  });
}
