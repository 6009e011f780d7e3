/**
 * What lies under a connection, for those who implement or replace it: the
 * port `Transport` that a broker fills, the transport over AMQP, the streams of
 * bytes that it is made over, a transport in memory for unit tests, and the
 * types that the public classes are made of.
 *
 * @module
 */
export type { AmqpConnection } from "./amqp/broker_connection.ts";
export type { BrokerAddress } from "./amqp/broker_address.ts";
export {
  type BrokerSettings,
  type ConnectSettings,
  connectSettings,
  type ReadFile,
} from "./amqp/options.ts";
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
export { type ClientStats, RpcClient } from "./rpc/calling/client.ts";
export type { SendCall } from "./rpc/calling/client_options.ts";
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
export type { ValidationIssue } from "./rpc/contract/validation.ts";
export type { StreamSchema } from "./rpc/contract/stream_schema.ts";
export { REASONS, type Remedy, RPC_CODES } from "./rpc/errors.ts";
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
  type MessageProperties,
} from "./rpc/messages.ts";
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
