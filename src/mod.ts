/**
 * Request/reply (RPC) over RabbitMQ: a procedure answers requests from a
 * queue, a caller sends them and awaits the answers.
 *
 * One connection calls and serves. A call ends in the reply or in an
 * {@linkcode RpcError} whose code tells what went wrong, within its deadline.
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
 * What travels is plain AMQP 0-9-1 as in RabbitMQ's tutorial six
 * (`reply_to`, `correlation_id`), so that the other side may be written in any
 * language.
 *
 * @module
 */
export { connect } from "./amqp/connect.ts";
export { RpcConnection } from "./rpc/connection.ts";
export type {
  BrokerAddress,
  BrokerSettings,
  ConnectOptions,
  ConnectSettings,
  Password,
  ReadFile,
} from "./amqp/options.ts";
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
