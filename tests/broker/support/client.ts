// A tiny AMQP client for tests: it sends what it is told to, valid or not,
// and hands over what the server sends, in order.

import { FrameBuffer, HEARTBEAT, METHOD } from "../../../src/amqp091/frames.ts";
import { Writer } from "../../../src/amqp091/writer.ts";
import {
  byteString,
  encodeText,
  Reader,
  toBytes,
} from "../../../src/amqp091/reader.ts";
import { booleanField, tableField } from "../../../src/amqp091/table.ts";
import { TestChannel } from "./channel.ts";
import {
  decodeMethod,
  hasContent,
  type ServerArguments,
  type ServerMethod,
} from "./methods.ts";

const PATIENCE_MS = 20_000;

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
  readonly out: Writer = new Writer();
  readonly #frames = new FrameBuffer();
  readonly #events: Event[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #reading: Promise<void>;
  #gate = Promise.resolve();
  #openGate = () => {};
  frameMax = 131072;

  private constructor(conn: Deno.TcpConn) {
    this.conn = conn;
    this.#frames.frameMax = 131072;
    this.#reading = this.#read();
  }

  /** Reads nothing until `resume` is called. */
  pause(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#openGate = resolve;
  }

  /** Reads again. */
  resume(): void {
    this.#openGate();
  }

  /** A connection on which nothing has been sent. */
  static async dial(url: string): Promise<Client> {
    const { hostname: host, port } = new URL(url);
    const hostname = host.replace(/^\[|\]$/g, "");
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
    write: (out: Writer) => unknown = () => {},
  ): Promise<void> {
    this.write(channel, classId, method, write);
    await this.flush();
  }

  /** Writes a method without sending it yet. */
  write(
    channel: number,
    classId: number,
    method: number,
    write: (out: Writer) => unknown = () => {},
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
    const o = new Writer();
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
    this.#openGate();
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
        await this.#gate;
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
