/**
 * Sends what is exported to a receiver, once: what can't be delivered is lost,
 * and nobody waits for it.
 *
 * The exporters of the SDK try again with pauses of seconds, at the end of the
 * program too, and a short call should not wait for a receiver that is away.
 *
 * @module
 */
import { timerMs } from "../../async/timers.ts";
import type { OtlpProtocol, OtlpTarget } from "./settings.ts";

/** How a kind of telemetry becomes bytes, with each protocol. */
export type Serializers<T> = Record<
  OtlpProtocol,
  { serializeRequest(items: T): Uint8Array | undefined }
>;

/** As the SDK has it: 0 is success, 1 is failure. */
type Done = (result: { code: 0 | 1; error?: Error }) => void;

const CONTENT_TYPES: Record<OtlpProtocol, string> = {
  "http/protobuf": "application/x-protobuf",
  "http/json": "application/json",
};

/** One kind of telemetry, on its way to its receiver. */
export class OtlpSender<T> {
  readonly #target: OtlpTarget;
  readonly #serializers: Serializers<T>;
  readonly #onError: (error: Error) => void;
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  /** `onError` hears of each failure. */
  constructor(
    target: OtlpTarget,
    serializers: Serializers<T>,
    onError: (error: Error) => void,
  ) {
    this.#target = target;
    this.#serializers = serializers;
    this.#onError = onError;
  }

  /** Sends these; `done` hears what became of them. */
  export(items: T, done: Done): void {
    const sending = this.#send(items).then(
      () => done({ code: 0 }),
      (thrown) => {
        const error = unsent(this.#target.url, thrown);
        this.#onError(error);
        done({ code: 1, error });
      },
    ).finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }

  /** Resolves when all that was exported is sent or lost. */
  async forceFlush(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** The same: the SDK calls it once nothing more comes. */
  async shutdown(): Promise<void> {
    await this.forceFlush();
  }

  /** What is still under way is lost. */
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

function unsent(url: string, thrown: unknown): Error {
  const { origin } = new URL(url);
  return new Error(`cannot send telemetry to ${origin} (${reason(thrown)})`, {
    cause: thrown,
  });
}

function reason(thrown: unknown): string {
  // What fetch says of its connections is long, and not the same everywhere.
  if (thrown instanceof TypeError) return "it can't be reached";
  return thrown instanceof Error ? thrown.message : String(thrown);
}
