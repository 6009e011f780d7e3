/**
 * Makes the calls of the command line whose replies are streams.
 *
 * @module
 */
import type { StreamOptions } from "../../../rpc/calling/streams/stream_options.ts";
import type { RpcConnection } from "../../../rpc/connection.ts";
import { RpcError } from "../../../rpc/errors.ts";
import { type Outcome, type Request, withOwn } from "../caller.ts";
import { type OuterRequest, withinOuter } from "../outer_request.ts";
import type { ItemOutput } from "./item_output.ts";

/** What all streams of one command have in common. */
export interface StreamCallerParts {
  readonly rpc: RpcConnection;
  readonly queue: string;
  readonly options: StreamOptions;
  readonly outer: OuterRequest;
  readonly output: ItemOutput;
}

/** Asks for streams from one queue with the same options. */
export class StreamCaller {
  readonly #parts: StreamCallerParts;
  readonly #begun = new Set<Request>();

  /** The options are for every stream. */
  constructor(parts: StreamCallerParts) {
    this.#parts = parts;
  }

  /** Of how many streams items come. */
  get begun(): number {
    return this.#begun.size;
  }

  /**
   * Writes the items of one stream. A stream that fails does not throw: the
   * outcome has its error.
   *
   * @throws what stdout can't be written for.
   */
  async call(request: Request): Promise<Outcome> {
    const { id, body, own } = request;
    const { rpc, queue, options, outer, output } = this.#parts;
    const startedMs = performance.now();
    let error: RpcError | undefined;
    try {
      const all = withinOuter(own ? withOwn(options, own) : options, outer);
      const stream = rpc.stream(queue, body, all);
      await output.write(id, stream, () => this.#begun.add(request));
    } catch (thrown) {
      if (!(thrown instanceof RpcError)) throw thrown;
      error = thrown;
    } finally {
      this.#begun.delete(request);
    }
    const latencyMs = performance.now() - startedMs;
    return { id, error, attempts: 1, latencyMs };
  }
}
