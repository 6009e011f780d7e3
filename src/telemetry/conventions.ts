/**
 * Names and attributes in traces and metrics, after OpenTelemetry's semantic
 * conventions for RPC and for messaging (RabbitMQ).
 *
 * @module
 */
import { type Attributes, type Span, SpanStatusCode } from "@opentelemetry/api";
import { type RpcCode, RpcError } from "../rpc/errors.ts";

/** Callers choose the method: more than this many count as one. */
const MAX_METHODS = 100;
const OTHER = "_OTHER";

/** For these codes the server is at fault, for others its caller, as in gRPC. */
const SERVER_FAULTS = new Set<RpcCode>([
  "unknown",
  "deadline_exceeded",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
]);

/** A method of a queue. */
interface Method {
  readonly queue: string;
  /** The method, if the server has several. */
  readonly type?: string;
}

/** Names of methods, few enough to be attributes of metrics. */
export class Methods {
  readonly #names = new Set<string>();

  /** `QUEUE`, or `QUEUE/TYPE` if there is a type. */
  name(method: Method): string {
    const name = fullName(method);
    if (this.#names.has(name)) return name;
    if (this.#names.size >= MAX_METHODS) return OTHER;
    this.#names.add(name);
    return name;
  }
}

function fullName({ queue, type }: Method): string {
  return type ? `${queue}/${type}` : queue;
}

/** Attributes of all measurements and spans. */
export function rpcAttributes(name: string): Attributes {
  return { "rpc.system.name": "rabbit-rpc", "rpc.method": name };
}

/** Attributes of all spans, which always have the full name of the method. */
export function methodAttributes(name: string, method: Method): Attributes {
  return name === OTHER
    ? { ...rpcAttributes(name), "rpc.method_original": fullName(method) }
    : rpcAttributes(name);
}

/** Attributes of spans for the sending or processing of a message. */
export function messagingAttributes(
  operation: "send" | "process",
  message: {
    queue: string;
    messageId?: string;
    correlationId?: string;
    bodyBytes: number;
  },
): Attributes {
  const { queue, messageId, correlationId, bodyBytes } = message;
  return {
    "messaging.system": "rabbitmq",
    "messaging.operation.name": operation,
    "messaging.operation.type": operation,
    // With the default exchange, the routing key is the name of the queue.
    "messaging.destination.name": queue,
    "messaging.rabbitmq.destination.routing_key": queue,
    "messaging.message.body.size": bodyBytes,
    ...(messageId && { "messaging.message.id": messageId }),
    ...(correlationId && {
      "messaging.message.conversation_id": correlationId,
    }),
  };
}

/** Attributes of the broker at `host:port`. */
export function brokerAttributes(broker: string): Attributes {
  const colon = broker.lastIndexOf(":");
  return {
    "server.address": broker.slice(0, colon).replace(/^\[(.*)\]$/, "$1"),
    "server.port": Number(broker.slice(colon + 1)),
  };
}

/** Attributes of the outcome of a call or a run. */
export function outcomeAttributes(thrown?: unknown): Attributes {
  if (thrown === undefined) return { "rpc.response.status_code": "ok" };
  const { code, reason } = RpcError.from(thrown);
  const isRpcError = thrown instanceof RpcError;
  return {
    "rpc.response.status_code": code,
    "error.type": isRpcError || !(thrown instanceof Error) ? code : thrown.name,
    ...(reason && { "rabbit_rpc.error.reason": reason }),
  };
}

/** Attributes of a stream: how many items came or went. */
export function itemAttributes(items: number): Attributes {
  return { "rabbit_rpc.stream.items": items };
}

/** Ends the span of a call or an attempt; any failure is an error. */
export function endCallerSpan(span: Span, thrown?: unknown): void {
  endSpan(span, thrown, thrown !== undefined);
}

/** Ends the span of a request; the caller's mistakes are not errors. */
export function endServerSpan(span: Span, error?: RpcError): void {
  endSpan(span, error, error !== undefined && SERVER_FAULTS.has(error.code));
}

function endSpan(span: Span, thrown: unknown, isError: boolean): void {
  span.setAttributes(outcomeAttributes(thrown));
  if (isError) {
    const { message } = RpcError.from(thrown);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end();
}
