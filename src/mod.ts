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
export type { ConnectOptions, Password } from "./amqp/options.ts";
export type { TlsOptions } from "./amqp/tls/tls.ts";
export type { CallOptions } from "./rpc/calling/call_options.ts";
export type {
  CallInterceptor,
  ClientOptions,
  OutgoingCall,
} from "./rpc/calling/client_options.ts";
export type { InspectOptions } from "./rpc/calling/inspections.ts";
export { RpcConnection } from "./rpc/connection.ts";
export {
  type Contract,
  type ContractHandlers,
  implement,
} from "./rpc/contract/contract.ts";
export type {
  ContractClient,
  MethodOptions,
} from "./rpc/contract/contract_client.ts";
export {
  type RpcCode,
  RpcError,
  type RpcErrorOptions,
  type RpcErrorReason,
} from "./rpc/errors.ts";
export type { ProcedureInterceptor } from "./rpc/interceptor.ts";
export {
  type MessageData,
  type Procedure,
  type ReplyInit,
  type RpcArgument,
  type RpcContext,
  RpcRequest,
  type RpcResult,
} from "./rpc/procedure.ts";
export type { ServeOptions, ServerEvent } from "./rpc/serving/serve_options.ts";
export { RpcServer } from "./rpc/serving/server.ts";
export type {
  ConnectionEvent,
  MessageHeaders,
  QueueDeclaration,
  QueueInfo,
} from "./rpc/transport.ts";
export { RpcReply } from "./rpc/wire.ts";
