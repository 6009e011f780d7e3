/**
 * The frames of a login. The library's have room for 8 KiB, and a token may
 * take more.
 *
 * @module
 */
import manifest from "../../../deno.json" with { type: "json" };
import {
  FRAME_END,
  FRAME_HEADER_BYTES,
  FRAME_OVERHEAD_BYTES,
} from "./frame_reader.ts";
import { MessageView } from "./view.ts";

const METHOD_FRAME = 1;
const CONNECTION_CLASS = 10;
const START_OK = 11;
const TUNE_OK = 31;
const OPEN = 40;
const UPDATE_SECRET = 70;
/** Of everything but what is said by the user. */
const ROOM_BYTES = 2_048;
const UTF8_BYTES_PER_UNIT = 3;

/** What both sides agree on; 0 is no limit, and no heartbeats. */
export interface Tuning {
  readonly channelMax: number;
  readonly frameMax: number;
  readonly heartbeatS: number;
}

/** Who logs in. */
export interface Login {
  readonly username: string;
  readonly password: string;
  /** Of the connection. */
  readonly name: string;
}

/** What RabbitMQ looks at; it knows of the others by the protocol. */
const NEEDED_CAPABILITIES = {
  authentication_failure_close: true,
  consumer_cancel_notify: true,
  "connection.blocked": true,
};

const CAPABILITIES = {
  ...NEEDED_CAPABILITIES,
  "basic.nack": true,
  exchange_exchange_bindings: true,
  per_consumer_qos: true,
  publisher_confirms: true,
};

/**
 * connection.start-ok. Before the login a frame holds little: what the broker
 * only shows to people is left out where it does not fit.
 */
export function startOk(login: Login, frameMax: number): Uint8Array {
  const connection_name = login.name || undefined;
  const full = startOkWith(login, {
    connection_name,
    product: manifest.name,
    version: manifest.version,
    platform: `Deno ${Deno.version.deno}`,
    capabilities: CAPABILITIES,
  });
  if (full.length <= frameMax) return full;
  const capabilities = NEEDED_CAPABILITIES;
  return startOkWith(login, { connection_name, capabilities });
}

function startOkWith(
  { username, password, name }: Login,
  properties: Parameters<MessageView["setTable"]>[1],
): Uint8Array {
  const units = username.length + password.length + name.length;
  return methodFrame(START_OK, units, (view, start) => {
    let at = start;
    at += view.setTable(at, properties);
    at += view.setShortString(at, "PLAIN");
    at += view.setLongString(at, `\0${username}\0${password}`);
    return at + view.setShortString(at, "en_US");
  });
}

/** connection.tune, whose fields begin there. */
export function readTune(view: MessageView, at: number): Tuning {
  return {
    channelMax: view.getUint16(at),
    frameMax: view.getUint32(at + 2),
    heartbeatS: view.getUint16(at + 6),
  };
}

/**
 * What both sides keep to: the smaller, and the other's where one has 0. Only
 * who asks for no heartbeats gets none.
 */
export function negotiate(ours: Tuning, theirs: Tuning): Tuning {
  const { heartbeatS } = ours;
  return {
    channelMax: smaller(ours.channelMax, theirs.channelMax),
    frameMax: smaller(ours.frameMax, theirs.frameMax),
    heartbeatS: heartbeatS && smaller(heartbeatS, theirs.heartbeatS),
  };
}

function smaller(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

/** connection.tune-ok. */
export function tuneOk(tuning: Tuning): Uint8Array {
  return methodFrame(TUNE_OK, 0, (view, at) => {
    view.setUint16(at, tuning.channelMax);
    view.setUint32(at + 2, tuning.frameMax);
    view.setUint16(at + 6, tuning.heartbeatS);
    return at + 8;
  });
}

/** connection.open. */
export function open(vhost: string): Uint8Array {
  return methodFrame(OPEN, vhost.length, (view, start) => {
    const at = start + view.setShortString(start, vhost);
    // Two fields that are not used any more.
    view.setUint16(at, 0);
    return at + 2;
  });
}

/** connection.update-secret, an extension of RabbitMQ's. */
export function updateSecret(secret: string, reason: string): Uint8Array {
  return methodFrame(UPDATE_SECRET, secret.length, (view, start) => {
    const at = start + view.setLongString(start, secret);
    return at + view.setShortString(at, reason);
  });
}

/** A method of class connection; `setFields` returns where its fields end. */
function methodFrame(
  method: number,
  units: number,
  setFields: (view: MessageView, at: number) => number,
): Uint8Array {
  const room = ROOM_BYTES + UTF8_BYTES_PER_UNIT * units;
  const bytes = new Uint8Array(room);
  const view = new MessageView(bytes);
  view.setUint8(0, METHOD_FRAME);
  view.setUint16(1, 0);
  view.setUint16(FRAME_HEADER_BYTES, CONNECTION_CLASS);
  view.setUint16(FRAME_HEADER_BYTES + 2, method);
  const end = setFields(view, FRAME_HEADER_BYTES + 4);
  view.setUint8(end, FRAME_END);
  view.setUint32(3, end + 1 - FRAME_OVERHEAD_BYTES);
  return bytes.subarray(0, end + 1);
}
