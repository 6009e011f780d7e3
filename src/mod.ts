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
 * - {@linkcode ServeOptions}: concurrency, limits, events
 * - {@linkcode ConnectOptions}: login, TLS, heartbeats, events
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
export { RpcConnection } from "./rpc/connection.ts";
export type {
  BrokerSettings,
  ConnectOptions,
  ConnectSettings,
  ReadFile,
} from "./amqp/options.ts";
export type { BrokerAddress } from "./amqp/broker_address.ts";
export type { Password } from "./amqp/password.ts";
export type { Mechanism } from "./amqp/url_parameters.ts";
export { connectSettings } from "./amqp/options.ts";
export type {
  ClientCertificate,
  TlsOptions,
  TlsSettings,
} from "./amqp/tls/tls.ts";
export type { AmqpConnection } from "./amqp/broker_connection.ts";
export { AmqpTransport } from "./amqp/transport.ts";
export type { CallOptions } from "./rpc/calling/call_options.ts";
export { type ClientStats, RpcClient } from "./rpc/calling/client.ts";
export type { InspectOptions } from "./rpc/calling/inspections.ts";
export {
  type CallInput,
  type CallOutput,
  type Contract,
  type ContractHandlers,
  type HandlerInput,
  type HandlerOutput,
  implement,
  type MethodContract,
} from "./rpc/contract/contract.ts";
export {
  REASONS,
  type Remedy,
  RPC_CODES,
  type RpcCode,
  RpcError,
  type RpcErrorOptions,
  type RpcErrorReason,
} from "./rpc/errors.ts";
export type {
  CallInterceptor,
  ClientOptions,
  OutgoingCall,
  SendCall,
} from "./rpc/calling/client_options.ts";
export type { ProcedureInterceptor } from "./rpc/interceptor.ts";
export type { Bytes } from "./rpc/bytes.ts";
export type {
  Procedure,
  ReplyInit,
  RpcContext,
  RpcResult,
} from "./rpc/procedure.ts";
export { MessageBody, type MessageData, RpcRequest } from "./rpc/messages.ts";
export type {
  ByteStream,
  Dial,
  Endpoint,
  EndpointTls,
} from "./amqp/streams/byte_stream.ts";
export type { ContractClient, MethodOptions } from "./rpc/contract/proxy.ts";
export type { ServeOptions, ServerEvent } from "./rpc/serving/serve_options.ts";
export { RpcServer } from "./rpc/serving/server.ts";
export type {
  BrokerConnection,
  CallbackQueue,
  ConnectionEvent,
  ConnectionOptions,
  Delivery,
  Publisher,
  PublishListener,
  QueueDeclaration,
  QueueInfo,
  ReplyQueueKind,
  RequestQueue,
  RequestQueueOptions,
  ReturnedMessage,
  Transport,
} from "./rpc/transport.ts";
export type {
  HeaderValue,
  MessageHeaders,
  MessageProperties,
} from "./rpc/messages.ts";
export type { ValidationIssue } from "./rpc/contract/validation.ts";
export { RpcReply } from "./rpc/messages.ts";
export type { StandardSchemaV1 } from "@standard-schema/spec";
