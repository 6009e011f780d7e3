// Reads AMQP 0-9-1 from the bytes of one direction. It knows no more than the
// rules need, and nothing of the product, whose codec is under test.

/** Properties of a message that the rules look at. */
export interface Properties {
  correlationId?: string;
  replyTo?: string;
  messageId?: string;
  type?: string;
  expiration?: string;
  deliveryMode?: number;
  priority?: number;
}

/** A method, with the arguments that the rules look at. */
export interface Method {
  readonly channel: number;
  /** `basic.publish`, say. */
  readonly name: string;
  readonly exchange?: string;
  readonly routingKey?: string;
  readonly queue?: string;
  readonly consumerTag?: string;
  readonly deliveryTag?: number;
  readonly multiple?: boolean;
  readonly requeue?: boolean;
  readonly redelivered?: boolean;
  readonly noAck?: boolean;
  readonly replyCode?: number;
  readonly replyText?: string;
  /** Of a message. */
  properties?: Properties;
  /** Of a message, the first bytes as text. */
  body?: string;
  bodyLength?: number;
}

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const FRAME_OVERHEAD = 8;
const PROTOCOL_HEADER_BYTES = 8;
/** As much of a body as tells which call it is of. */
const MOST_BODY_SHOWN = 12;

const CLASSES: Record<number, [string, Record<number, string>]> = {
  10: ["connection", {
    10: "start",
    11: "start-ok",
    30: "tune",
    31: "tune-ok",
    40: "open",
    41: "open-ok",
    50: "close",
    51: "close-ok",
    60: "blocked",
    61: "unblocked",
  }],
  20: ["channel", { 10: "open", 11: "open-ok", 40: "close", 41: "close-ok" }],
  40: ["exchange", { 10: "declare", 11: "declare-ok" }],
  50: ["queue", {
    10: "declare",
    11: "declare-ok",
    20: "bind",
    21: "bind-ok",
    40: "delete",
    41: "delete-ok",
  }],
  60: ["basic", {
    10: "qos",
    11: "qos-ok",
    20: "consume",
    21: "consume-ok",
    30: "cancel",
    31: "cancel-ok",
    40: "publish",
    50: "return",
    60: "deliver",
    80: "ack",
    90: "reject",
    120: "nack",
  }],
  85: ["confirm", { 10: "select", 11: "select-ok" }],
};

/** Reads one field after the other. */
export class Fields {
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength,
    );
  }

  octet(): number {
    return this.#view.getUint8(this.at++);
  }

  short(): number {
    this.at += 2;
    return this.#view.getUint16(this.at - 2);
  }

  long(): number {
    this.at += 4;
    return this.#view.getUint32(this.at - 4);
  }

  longlong(): number {
    return this.long() * 2 ** 32 + this.long();
  }

  text(): string {
    const length = this.octet();
    let text = "";
    for (let i = 0; i < length; i++) {
      text += String.fromCharCode(this.octet());
    }
    return text;
  }

  skipTable(): void {
    const length = this.long();
    this.at += length;
  }
}

/** Takes bytes as they come, and hands on methods and whole messages. */
export class FrameReader {
  readonly #onMethod: (method: Method) => void;
  #rest: Uint8Array = new Uint8Array(0);
  #skip: number;
  /** Messages that are not whole, by channel. */
  readonly #messages: { method: Method; left: number }[] = [];

  /** A client begins with what is no frame. */
  constructor(isClient: boolean, onMethod: (method: Method) => void) {
    this.#skip = isClient ? PROTOCOL_HEADER_BYTES : 0;
    this.#onMethod = onMethod;
  }

  /** Whether it is between two frames. */
  get isBetween(): boolean {
    return this.#rest.length === 0 && this.#messages.length === 0;
  }

  take(bytes: Uint8Array): void {
    let all = this.#rest.length === 0 ? bytes : joined(this.#rest, bytes);
    const skipped = Math.min(this.#skip, all.length);
    this.#skip -= skipped;
    all = all.subarray(skipped);
    while (all.length >= FRAME_OVERHEAD) {
      const size = (all[3]! << 24 | all[4]! << 16 | all[5]! << 8 | all[6]!) +
        FRAME_OVERHEAD;
      if (all.length < size) break;
      const channel = all[1]! << 8 | all[2]!;
      this.#frame(all[0]!, channel, all.subarray(7, size - 1));
      all = all.subarray(size);
    }
    this.#rest = all.length === 0 ? all : all.slice();
  }

  #frame(type: number, channel: number, payload: Uint8Array): void {
    if (type === METHOD) this.#method(channel, payload);
    const message = this.#messages[channel];
    if (message === undefined) return;
    if (type === HEADER) {
      const fields = new Fields(payload);
      fields.at = 4;
      message.left = message.method.bodyLength = fields.longlong();
      message.method.properties = readProperties(fields);
      message.method.body = "";
    } else if (type === BODY) {
      if (message.left === message.method.bodyLength) {
        message.method.body = String.fromCharCode(
          ...payload.subarray(0, MOST_BODY_SHOWN),
        );
      }
      message.left -= payload.length;
    } else return;
    if (message.left > 0) return;
    delete this.#messages[channel];
    if (this.#messages.every((it) => it === undefined)) {
      this.#messages.length = 0;
    }
    this.#onMethod(message.method);
  }

  #method(channel: number, payload: Uint8Array): void {
    const method = readMethod(channel, payload);
    if (isMessage(method)) this.#messages[channel] = { method, left: Infinity };
    else this.#onMethod(method);
  }
}

function isMessage({ name }: Method): boolean {
  return name === "basic.publish" || name === "basic.deliver" ||
    name === "basic.return";
}

function readMethod(channel: number, payload: Uint8Array): Method {
  const fields = new Fields(payload);
  const classId = fields.short();
  const methodId = fields.short();
  const [kind, methods] = CLASSES[classId] ?? [`${classId}`, {}];
  const name = `${kind}.${methods[methodId] ?? methodId}`;
  return { channel, name, ...ARGUMENTS[name]?.(fields) };
}

const ARGUMENTS: Record<string, (fields: Fields) => Partial<Method>> = {
  "connection.close": readClose,
  "channel.close": readClose,
  "queue.declare": (fields) => ({ queue: skipShort(fields).text() }),
  "queue.declare-ok": (fields) => ({ queue: fields.text() }),
  "queue.delete": (fields) => ({ queue: skipShort(fields).text() }),
  "basic.consume": (fields) => {
    const queue = skipShort(fields).text();
    const consumerTag = fields.text();
    return { queue, consumerTag, noAck: (fields.octet() & 2) !== 0 };
  },
  "basic.cancel": (fields) => ({ consumerTag: fields.text() }),
  "basic.publish": (fields) => ({
    exchange: skipShort(fields).text(),
    routingKey: fields.text(),
  }),
  "basic.return": (fields) => ({
    ...readClose(fields),
    exchange: fields.text(),
    routingKey: fields.text(),
  }),
  "basic.deliver": (fields) => ({
    consumerTag: fields.text(),
    deliveryTag: fields.longlong(),
    redelivered: fields.octet() !== 0,
  }),
  "basic.ack": (fields) => ({
    deliveryTag: fields.longlong(),
    multiple: (fields.octet() & 1) !== 0,
  }),
  "basic.nack": (fields) => {
    const deliveryTag = fields.longlong();
    const bits = fields.octet();
    return {
      deliveryTag,
      multiple: (bits & 1) !== 0,
      requeue: (bits & 2) !== 0,
    };
  },
};

function readClose(fields: Fields): Partial<Method> {
  return { replyCode: fields.short(), replyText: fields.text() };
}

function skipShort(fields: Fields): Fields {
  fields.at += 2;
  return fields;
}

export function readProperties(fields: Fields): Properties {
  const flags = fields.short();
  const has = (bit: number) => (flags & 1 << bit) !== 0;
  const properties: Properties = {};
  if (has(15)) fields.text();
  if (has(14)) fields.text();
  if (has(13)) fields.skipTable();
  if (has(12)) properties.deliveryMode = fields.octet();
  if (has(11)) properties.priority = fields.octet();
  if (has(10)) properties.correlationId = fields.text();
  if (has(9)) properties.replyTo = fields.text();
  if (has(8)) properties.expiration = fields.text();
  if (has(7)) properties.messageId = fields.text();
  if (has(6)) fields.longlong();
  if (has(5)) properties.type = fields.text();
  return properties;
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(one.length + other.length);
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
}
