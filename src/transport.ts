/**
 * What a connection is made of, for those who implement or replace parts of it:
 * the interface {@linkcode Transport}, the transport over AMQP and its streams of
 * bytes, a transport in memory for unit tests, client and server without a
 * connection around them, and types that appear in the public classes.
 *
 * @example Test a caller and a server without a broker
 * ```ts
 * import { RpcConnection } from "@rabbit-rpc/rabbit-rpc";
 * import {
 *   MemoryBroker,
 *   MemoryTransport,
 *   RpcServer,
 * } from "@rabbit-rpc/rabbit-rpc/transport";
 * import assert from "node:assert/strict";
 *
 * const broker = new MemoryBroker();
 * await using transport = new MemoryTransport(broker);
 * await using server = new RpcServer(transport, "q", ({ bytes }) => bytes);
 * await server.ready;
 * await using rpc = new RpcConnection(new MemoryTransport(broker));
 * assert.equal((await rpc.call("q", "hello")).text(), "hello");
 * ```
 *
 * @module
 */
export type { AmqpConnection } from "./amqp/broker_connection.ts";
export type { BrokerAddress } from "./amqp/broker_address.ts";
export {
  type BrokerSettings,
  type ConnectHooks,
  type ConnectSettings,
  connectSettings,
  type ReadFile,
} from "./amqp/options.ts";
export type { Password } from "./amqp/password.ts";
export type {
  ByteStream,
  Dial,
  Endpoint,
  EndpointTls,
} from "./amqp/streams/byte_stream.ts";
export { memoryStreams } from "./amqp/streams/memory.ts";
export type { ClientCertificate, TlsSettings } from "./amqp/tls/tls.ts";
export { AmqpTransport } from "./amqp/transport.ts";
export type { Mechanism } from "./amqp/url_parameters.ts";
export type { Bytes } from "./rpc/bytes.ts";
export { RpcClient } from "./rpc/calling/client.ts";
export type {
  ClientStats,
  OutgoingCall,
  SendCall,
} from "./rpc/calling/client_options.ts";
export type { InspectOptions } from "./rpc/calling/inspections.ts";
export type {
  OutgoingStreamCall,
  SendStream,
} from "./rpc/calling/streams/stream_interceptor.ts";
export type {
  CallInput,
  CallOutput,
  HandlerInput,
  HandlerOutput,
  MethodContract,
} from "./rpc/contract/contract.ts";
export type {
  MethodOptions,
  StreamMethodOptions,
} from "./rpc/contract/contract_client.ts";
export type { ValidationIssue } from "./rpc/contract/validation.ts";
export type { StreamSchema } from "./rpc/contract/stream_schema.ts";
export {
  REASONS,
  type Remedy,
  RPC_CODES,
  type RpcErrorOptions,
} from "./rpc/errors.ts";
export { MemoryBroker, type Routed } from "./rpc/memory/broker.ts";
export type {
  MemoryConsumer,
  MemoryQueue,
  Message,
} from "./rpc/memory/queue.ts";
export { MemoryTransport } from "./rpc/memory/transport.ts";
export {
  type HeaderValue,
  MessageBody,
  type MessageData,
  type MessageProperties,
} from "./rpc/messages.ts";
export { RpcServer } from "./rpc/serving/server.ts";
export type { ServeHooks } from "./rpc/serving/server_events.ts";
export type {
  BrokerConnection,
  CallbackQueue,
  ConnectionOptions,
  Delivery,
  Publisher,
  PublishListener,
  ReplyQueueKind,
  RequestQueue,
  RequestQueueOptions,
  ReturnedMessage,
  StreamPort,
  Transport,
} from "./rpc/transport.ts";
export type { StreamStats } from "./rpc/serving/streams/open_streams.ts";
export type { StandardSchemaV1 } from "@standard-schema/spec";
