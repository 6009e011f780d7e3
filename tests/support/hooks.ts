// Options with the hooks of telemetry and the command line, for tests that have
// to know of an event the moment it happens, or before anything is ready. The
// types of connect() and serve() do not show them.

import type { ConnectHooks, ConnectOptions } from "../../src/amqp/options.ts";
import type { ClientOptions } from "../../src/rpc/calling/client_options.ts";
import type { ServeOptions } from "../../src/rpc/serving/serve_options.ts";
import type { ServeHooks } from "../../src/rpc/serving/server_events.ts";

/** For `connect()`. */
export function connectHooks(
  options: ConnectOptions & ClientOptions & ConnectHooks,
): ConnectOptions & ClientOptions {
  return options;
}

/** For `serve()`. */
export function serveHooks(options: ServeOptions & ServeHooks): ServeOptions {
  return options;
}
