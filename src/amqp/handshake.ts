/**
 * Logs in and tunes, in the library's place: heartbeats as RabbitMQ negotiates
 * them, and passwords of any length.
 *
 * @module
 */
import {
  negotiate,
  open,
  readTune,
  startOk,
  tuneOk,
  type Tuning,
} from "./frames/handshake_frames.ts";
import {
  brokerTitle,
  type BrokerVersion,
  isRabbitMqSince,
  UNKNOWN_BROKER,
} from "./broker_version.ts";
import type { MessageView } from "./frames/view.ts";
import type { BrokerSettings } from "./options.ts";

const CONNECTION_CLASS = 10;
const START = 10;
const TUNE = 30;
/** The largest frame, in bytes: what RabbitMQ offers by default. */
const FRAME_MAX = 128 * 1024;
/** Before the tuning, in bytes: of AMQP, and since RabbitMQ 4.1. */
const FIRST_FRAME_MAX = 4_096;
const FIRST_FRAME_MAX_4_1 = 8_192;

/** One login, from the broker's greeting to its answer. */
export class Handshake {
  readonly #broker: BrokerSettings;
  readonly #login: { username: string; password: string; name: string };
  readonly #send: (bytes: Uint8Array) => void;
  #peer = UNKNOWN_BROKER;
  #firstFrameMax = FIRST_FRAME_MAX;
  #loginBytes = 0;
  #tuning: Tuning | undefined;

  /** Sends its answers when the broker's frames are handed to it. */
  constructor(
    broker: BrokerSettings,
    login: { password: string; name: string },
    send: (bytes: Uint8Array) => void,
  ) {
    this.#broker = broker;
    this.#login = { ...login, username: broker.username };
    this.#send = send;
  }

  /** What was agreed on; undefined until then. */
  get tuning(): Tuning | undefined {
    return this.#tuning;
  }

  /** Who answers, once it has greeted. */
  get peer(): BrokerVersion {
    return this.#peer;
  }

  /** Whether the method was one of the handshake's; it was answered then. */
  take(view: MessageView, at: number): boolean {
    if (view.getUint16(at) !== CONNECTION_CLASS) return false;
    const method = view.getUint16(at + 2);
    if (method === START) this.#start(view, at + 6);
    else if (method === TUNE) this.#tune(view, at + 4);
    else return false;
    return true;
  }

  /**
   * Why the broker may have left without a word: RabbitMQ does that to who
   * sends too large a frame before it knows him.
   */
  get tooLarge(): string | undefined {
    if (this.#tuning || this.#loginBytes <= this.#firstFrameMax) {
      return undefined;
    }
    return `the login takes ${this.#loginBytes} bytes, and ` +
      `${brokerTitle(this.#peer)} ` +
      `takes ${this.#firstFrameMax} before it knows who logs in, unless its ` +
      `initial_frame_max allows more`;
  }

  #start(view: MessageView, at: number): void {
    const [{ product, version }] = view.getTable(at);
    if (product) {
      this.#peer = { product: String(product), version: String(version ?? "") };
    }
    if (isRabbitMqSince(this.#peer, 4, 1)) {
      this.#firstFrameMax = FIRST_FRAME_MAX_4_1;
    }
    const frame = startOk(this.#login, this.#firstFrameMax);
    this.#loginBytes = frame.length;
    this.#send(frame);
  }

  #tune(view: MessageView, at: number): void {
    const { heartbeatS, channelMax = 0, frameMax, vhost } = this.#broker;
    this.#tuning = negotiate(
      { heartbeatS, channelMax, frameMax: frameMax ?? FRAME_MAX },
      readTune(view, at),
    );
    this.#send(tuneOk(this.#tuning));
    this.#send(open(vhost));
  }
}
