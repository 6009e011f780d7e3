/**
 * What a server tells while it works.
 *
 * @module
 */
import type { RpcError } from "../errors.ts";
import type { RpcRequest } from "../messages.ts";

/** An event of a server. */
export type ServerEvent =
  /** Requests are being consumed from now on. */
  | { type: "consuming"; queue: string }
  /** It was told to stop, or has had its count: no more requests are taken. */
  | { type: "draining" }
  /** The queue was lost; it is tried again after the delay. */
  | { type: "interrupted"; error: RpcError; retryInMs: number }
  /** A procedure starts. */
  | { type: "request"; request: RpcRequest }
  /**
   * It came before, and is not run again: it gets the answer of that run, now
   * or when it ends.
   */
  | { type: "repeated"; request: RpcRequest }
  /** A procedure ended, well or with an error; the reply follows. */
  | { type: "answered"; request: RpcRequest; error?: RpcError }
  /** A reply waits for the connection to come back. */
  | { type: "reply_held"; correlationId?: string }
  /**
   * A reply could not be delivered: nobody awaits it any more, or the broker
   * closes connections for it, with this error; its request is dropped then.
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
   * Requests with this `reply_to` are not run; told once for each name. Where
   * it is `allowable`, the option `replyTo` can allow it.
   */
  | {
    type: "reply_to_refused";
    replyTo: string;
    why: string;
    allowable: boolean;
  }
  /**
   * A request may stay unacknowledged for longer than the broker waits by
   * default before it takes it back; what to set there. Told once.
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
