// All that the simulation takes from the product, in one place.

export { delay } from "../../src/async/delay.ts";
export { AmqpTransport } from "../../src/amqp/transport.ts";
export { connectSettings } from "../../src/amqp/options.ts";
export { RpcConnection } from "../../src/rpc/connection.ts";
export type { ByteStream, Dial } from "../../src/amqp/streams/byte_stream.ts";
export { EmbeddedBroker } from "../../src/broker/embedded.ts";
export { type Generation, GENERATIONS } from "../../src/broker/generation.ts";
export { settingsOf } from "../../src/broker/options.ts";
export type { Message } from "../../src/broker/routing/message.ts";
export type { Queue } from "../../src/broker/routing/queue.ts";
export { Fault } from "../../src/broker/testing/faults.ts";
export type { CallOptions } from "../../src/rpc/calling/call_options.ts";
export { RpcError } from "../../src/rpc/errors.ts";
export type { RpcRequest } from "../../src/rpc/messages.ts";
export type { Procedure, RpcContext } from "../../src/rpc/procedure.ts";
export type { ServeOptions } from "../../src/rpc/serving/serve_options.ts";
export type { ServerEvent } from "../../src/rpc/serving/server_events.ts";
export { RpcServer } from "../../src/rpc/serving/server.ts";
export type { ConnectionEvent } from "../../src/rpc/transport.ts";
