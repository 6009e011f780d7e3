/**
 * Request/reply (RPC) over RabbitMQ: a server runs a procedure for each request
 * in a queue, and a client sends requests and waits for the replies.
 *
 * {@linkcode connect} opens a connection that does both, for any number of
 * queues. A call ends within its deadline, 30 seconds by default: with an
 * {@linkcode RpcReply}, or with an {@linkcode RpcError} whose `code` says what
 * went wrong.
 *
 * Where to look next:
 *
 * - {@linkcode Procedure}: what a server runs, and what it may return
 * - {@linkcode CallOptions}: deadline, cancellation, retries, headers
 * - {@linkcode StreamOptions}: replies that come one after the other
 * - {@linkcode ServeOptions}: concurrency, limits, who may be answered
 * - {@linkcode ConnectOptions}: login, TLS, heartbeats
 * - {@linkcode ConnectionEvent} and {@linkcode ServerEvent}: what `events()` of a
 *   connection and of a server tell
 * - {@linkcode Contract} and {@linkcode implement}: typed methods, with schemas
 * - {@linkcode CallInterceptor} and {@linkcode ProcedureInterceptor}: functions
 *   around calls and procedures
 *
 * Messages are plain AMQP 0-9-1, as in RabbitMQ's tutorial six (`reply_to` and
 * `correlation_id`), so the other side may be written in any language.
 *
 * @example Serve a procedure and call it
 * ```ts
 * import { connect } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 *
 * await using rpc = await connect(Deno.env.get("AMQP_URL"));
 * await using server = await rpc.serve(
 *   "greetings",
 *   (request) => `Hello, ${request.text()}!`,
 * );
 * const reply = await rpc.call("greetings", "World", { timeoutMs: 5_000 });
 * assert.equal(reply.text(), "Hello, World!");
 * ```
 *
 * @module
 */
export { connect } from "./amqp/connect.ts";
export type { ConnectOptions } from "./amqp/options.ts";
export type { TlsOptions } from "./amqp/tls/tls.ts";
export type { CallOptions } from "./rpc/calling/call_options.ts";
export type { StreamInterceptor } from "./rpc/calling/streams/stream_interceptor.ts";
export type { StreamOptions } from "./rpc/calling/streams/stream_options.ts";
export type {
  CallInterceptor,
  ClientOptions,
} from "./rpc/calling/client_options.ts";
export { RpcConnection } from "./rpc/connection.ts";
export {
  type Contract,
  type ContractHandlers,
  implement,
} from "./rpc/contract/contract.ts";
export type { ContractClient } from "./rpc/contract/contract_client.ts";
export { streamOf } from "./rpc/contract/stream_schema.ts";
export { type RpcCode, RpcError, type RpcErrorReason } from "./rpc/errors.ts";
export type { ProcedureInterceptor } from "./rpc/interceptor.ts";
export { type MessageHeaders, RpcReply, RpcRequest } from "./rpc/messages.ts";
export type {
  Procedure,
  ReplyInit,
  RpcArgument,
  RpcContext,
  RpcResult,
} from "./rpc/procedure.ts";
export type { ServeOptions } from "./rpc/serving/serve_options.ts";
export type { ServerEvent } from "./rpc/serving/server_events.ts";
export type { RpcServer } from "./rpc/serving/server.ts";
export type {
  ConnectionEvent,
  QueueDeclaration,
  QueueInfo,
} from "./rpc/transport.ts";
