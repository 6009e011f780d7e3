// A TCP peer that follows a script, for what no real broker does on demand.

const encoder = new TextEncoder();

/** What a script says and hears on one connection. */
export class Talk {
  readonly #connection: Deno.Conn;
  #unread = new Uint8Array(0);

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Sends bytes. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#connection.close();
  }

  /** The next bytes that the client sends. */
  async read(length: number): Promise<Uint8Array> {
    while (this.#unread.length < length) {
      const chunk = new Uint8Array(65_536);
      const count = await this.#connection.read(chunk);
      if (count === null) throw new Deno.errors.BrokenPipe("the client left");
      this.#unread = concat(this.#unread, chunk.subarray(0, count));
    }
    const bytes = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return bytes;
  }

  /** The payload of the next frame of this method; others are skipped. */
  async hear(classId: number, methodId: number): Promise<Uint8Array> {
    while (true) {
      const { type, payload } = await this.frame();
      const view = new DataView(payload.buffer, payload.byteOffset);
      if (
        type === 1 && view.getUint16(0) === classId &&
        view.getUint16(2) === methodId
      ) return payload.subarray(4);
    }
  }

  /** The next frame. */
  async frame(): Promise<
    { type: number; channel: number; payload: Uint8Array }
  > {
    const head = await this.read(7);
    const view = new DataView(head.buffer, head.byteOffset);
    const payload = await this.read(view.getUint32(3) + 1);
    const [type, channel] = [head[0], view.getUint16(1)];
    return { type, channel, payload: payload.subarray(0, -1) };
  }

  /** Greets and logs in whoever comes; returns what they sent. */
  async handshake(): Promise<{ startOk: Uint8Array; open: Uint8Array }> {
    await this.read(8);
    await this.send(START);
    const startOk = await this.hear(10, 11);
    await this.send(tune());
    const open = await this.hear(10, 40);
    await this.send(OPEN_OK);
    return { startOk, open };
  }
}

/** A listening peer. */
export interface Peer extends AsyncDisposable {
  readonly port: number;
  /** `amqp://` with the peer as its host. */
  readonly url: string;
}

/** The ways in which a script learns that the client is gone. */
const GONE = [
  Deno.errors.BadResource,
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionReset,
  Deno.errors.Interrupted,
];

/**
 * Listens on a port of its own and runs the script for each connection, which
 * stays open after the script's end until the peer is disposed of.
 */
export function startPeer(script: (talk: Talk) => Promise<void>): Peer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = new Set<Deno.Conn>();
  const talks: Promise<void>[] = [];
  const talk = async (connection: Deno.TcpConn) => {
    connection.setNoDelay(true);
    try {
      await script(new Talk(connection));
    } catch (error) {
      if (!GONE.some((kind) => error instanceof kind)) throw error;
    }
  };
  const accept = async () => {
    for await (const connection of listener) {
      connections.add(connection);
      talks.push(talk(connection));
    }
  };
  const accepting = accept();
  const { port } = listener.addr;
  return {
    port,
    url: `amqp://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of connections) connection[Symbol.dispose]();
      await Promise.all(talks);
    },
  };
}

/** Bytes after bytes. */
export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, it) => sum + it.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Text as bytes. */
export function text(value: string): Uint8Array {
  return encoder.encode(value);
}

/** A 16-bit number, as AMQP has it. */
export function short(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255);
}

/** A 32-bit number, as AMQP has it. */
export function long(value: number): Uint8Array {
  return concat(short(value >>> 16), short(value & 65_535));
}

/** A short string, as AMQP has it. */
export function shortString(value: string): Uint8Array {
  const bytes = text(value);
  return concat(Uint8Array.of(bytes.length), bytes);
}

/** A long string, as AMQP has it. */
export function longString(value: string): Uint8Array {
  const bytes = text(value);
  return concat(long(bytes.length), bytes);
}

/** A frame, with an end of its own where one is given. */
export function frame(
  type: number,
  channel: number,
  payload: Uint8Array,
  end = 206,
): Uint8Array {
  const head = concat(Uint8Array.of(type), short(channel));
  return concat(head, long(payload.length), payload, Uint8Array.of(end));
}

/** A method frame. */
export function method(
  channel: number,
  classId: number,
  methodId: number,
  ...fields: Uint8Array[]
): Uint8Array {
  return frame(1, channel, concat(short(classId), short(methodId), ...fields));
}

/** connection.start, of a broker that says this of itself. */
export function start(properties: Record<string, string>): Uint8Array {
  const fields = Object.entries(properties).map(([name, value]) =>
    concat(shortString(name), text("S"), longString(value))
  );
  const table = concat(...fields);
  return method(
    0,
    10,
    10,
    Uint8Array.of(0, 9),
    long(table.length),
    table,
    longString("PLAIN"),
    longString("en_US"),
  );
}

/** connection.start, without any server properties. */
export const START: Uint8Array = start({});

/** connection.tune, without heartbeats where nothing else is said. */
export function tune(
  frameMax = 131_072,
  { heartbeatS = 0, channelMax = 2047 } = {},
): Uint8Array {
  const fields = [short(channelMax), long(frameMax), short(heartbeatS)];
  return method(0, 10, 30, ...fields);
}

/** connection.open-ok. */
export const OPEN_OK: Uint8Array = method(0, 10, 41, shortString(""));

/** connection.close. */
export function closing(code: number, reason: string): Uint8Array {
  const fields = [short(code), shortString(reason), short(0), short(0)];
  return method(0, 10, 50, ...fields);
}
