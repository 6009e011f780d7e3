/**
 * The events of a server.
 *
 * @module
 */
import type { RpcError } from "../errors.ts";
import type { RpcRequest } from "../messages.ts";

/** An event of a server. */
export type ServerEvent =
  /** Requests are being consumed from now on. */
  | { type: "consuming"; queue: string }
  /**
   * The server takes no more requests: it is being stopped, or `count` is
   * reached.
   */
  | { type: "draining" }
  /** The queue was lost; it is tried again after the delay. */
  | { type: "interrupted"; error: RpcError; retryInMs: number }
  /** A procedure starts. */
  | { type: "request"; request: RpcRequest }
  /**
   * A request that came before is not run again. It gets the answer of its
   * first run, now or when that ends.
   */
  | { type: "repeated"; request: RpcRequest }
  /**
   * A procedure ended, well or with an error; the reply follows. For a stream,
   * `items` is how many were sent.
   */
  | { type: "answered"; request: RpcRequest; error?: RpcError; items?: number }
  /** A reply waits for the connection to come back. */
  | { type: "reply_held"; correlationId?: string }
  /**
   * A reply could not be delivered: its caller is gone, or the broker closes
   * connections for it. In that case there is an error, and the request is
   * dropped as well.
   */
  | {
    type: "reply_dropped";
    correlationId?: string;
    why: string;
    error?: RpcError;
  }
  /** A request was neither run nor answered. */
  | { type: "request_dropped"; request: RpcRequest; why: string }
  /**
   * Requests with this `reply_to` are not run; reported once for each name. If
   * it is `allowable`, the option `replyTo` can allow it.
   */
  | {
    type: "reply_to_refused";
    replyTo: string;
    why: string;
    allowable: boolean;
  }
  /**
   * Requests may stay unacknowledged for longer than the broker allows by
   * default; `advice` says what to set there. Reported once.
   */
  | { type: "consumer_timeout"; unackedMs: number; advice: string };

/**
 * What telemetry and the command line add to the options. A span ends the moment
 * its request is answered, and a log shows what happens before the server is
 * ready, so an iterable would come too late; programs read `events()`.
 */
export interface ServeHooks {
  /** Called with each event the moment it happens; must not throw. */
  onEvent?: (event: ServerEvent) => void;
}
