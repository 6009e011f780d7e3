/**
 * Sends telemetry to a receiver, without retries.
 *
 * The SDK's own exporters retry for seconds, even at the end of the program. A
 * short call should not have to wait for a receiver that is down.
 *
 * @module
 */
import { timerMs } from "../../async/timers.ts";
import type { OtlpProtocol, OtlpTarget } from "./settings.ts";

/** Serializes one kind of telemetry for each protocol. */
export type Serializers<T> = Record<
  OtlpProtocol,
  { serializeRequest(items: T): Uint8Array | undefined }
>;

/** The SDK's result of an export: 0 is success, 1 is failure. */
type Done = (result: { code: 0 | 1; error?: Error }) => void;

const CONTENT_TYPES: Record<OtlpProtocol, string> = {
  "http/protobuf": "application/x-protobuf",
  "http/json": "application/json",
};

/** Sends one kind of telemetry. */
export class OtlpSender<T> {
  readonly #target: OtlpTarget;
  readonly #serializers: Serializers<T>;
  readonly #onError: (error: Error) => void;
  readonly #closing = new AbortController();
  readonly #open = new Set<Promise<void>>();

  /** `onError` is called for each failure. */
  constructor(
    target: OtlpTarget,
    serializers: Serializers<T>,
    onError: (error: Error) => void,
  ) {
    this.#target = target;
    this.#serializers = serializers;
    this.#onError = onError;
  }

  /** Sends items, and calls `done` with the result. */
  export(items: T, done: Done): void {
    const sending = this.#send(items).then(
      () => done({ code: 0 }),
      (thrown) => {
        const error = sendError(this.#target.url, thrown);
        this.#onError(error);
        done({ code: 1, error });
      },
    ).finally(() => this.#open.delete(sending));
    this.#open.add(sending);
  }

  /** Resolves when everything is sent or lost. */
  async forceFlush(): Promise<void> {
    await Promise.all(this.#open);
  }

  /** Same as {@linkcode OtlpSender.forceFlush}, at the end. */
  async shutdown(): Promise<void> {
    await this.forceFlush();
  }

  /** Gives up requests that are still open. */
  abandon(): void {
    this.#closing.abort(new Error("no answer by the end of the program"));
  }

  async #send(items: T): Promise<void> {
    const { url, headers, protocol, timeoutMs } = this.#target;
    const bytes = this.#serializers[protocol].serializeRequest(items);
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "content-type": CONTENT_TYPES[protocol] },
      body: bytes as BodyInit | undefined,
      signal: AbortSignal.any([
        AbortSignal.timeout(timerMs(timeoutMs)),
        this.#closing.signal,
      ]),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  }
}

function sendError(url: string, thrown: unknown): Error {
  const { origin } = new URL(url);
  return new Error(`cannot send telemetry to ${origin} (${reason(thrown)})`, {
    cause: thrown,
  });
}

function reason(thrown: unknown): string {
  // Messages of fetch about connections are long and differ between versions.
  if (thrown instanceof TypeError) return "it can't be reached";
  return thrown instanceof Error ? thrown.message : String(thrown);
}
