/**
 * What calls and requests are called in traces and metrics, after
 * OpenTelemetry's semantic conventions for RPC and for messaging (RabbitMQ).
 *
 * @module
 */
import { type Attributes, type Span, SpanStatusCode } from "@opentelemetry/api";
import { type RpcCode, RpcError } from "../rpc/errors.ts";

/** Callers choose the type of a request: more of them are not told apart. */
const MAX_METHODS = 100;
const OTHER = "_OTHER";

/** As gRPC has it: of these codes a server is at fault, of others its caller. */
const SERVER_FAULTS = new Set<RpcCode>([
  "unknown",
  "deadline_exceeded",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
]);

/** What is called. */
interface Method {
  readonly queue: string;
  /** The method, where the server offers several. */
  readonly type?: string;
}

/** Names of methods, few enough to tell metrics apart by. */
export class Methods {
  readonly #names = new Set<string>();

  /** `QUEUE`, or `QUEUE/TYPE` where there is a type. */
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

/** Of all measurements, and of all spans. */
export function rpcAttributes(name: string): Attributes {
  return { "rpc.system.name": "rabbit-rpc", "rpc.method": name };
}

/** Of all spans: they tell methods apart that measurements do not. */
export function methodAttributes(name: string, method: Method): Attributes {
  return name === OTHER
    ? { ...rpcAttributes(name), "rpc.method_original": fullName(method) }
    : rpcAttributes(name);
}

/** Of the spans of a message that is sent or processed. */
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
    // By the default exchange: routing key and queue are the same.
    "messaging.destination.name": queue,
    "messaging.rabbitmq.destination.routing_key": queue,
    "messaging.message.body.size": bodyBytes,
    ...(messageId && { "messaging.message.id": messageId }),
    ...(correlationId && {
      "messaging.message.conversation_id": correlationId,
    }),
  };
}

/** Of the broker at `host:port`, as connection events name it. */
export function brokerAttributes(broker: string): Attributes {
  const colon = broker.lastIndexOf(":");
  return {
    "server.address": broker.slice(0, colon).replace(/^\[(.*)\]$/, "$1"),
    "server.port": Number(broker.slice(colon + 1)),
  };
}

/** How a call or a run ended: for its span and its measurement. */
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

/** Ends the span of a call or an attempt: any error is one. */
export function endCallerSpan(span: Span, thrown?: unknown): void {
  endSpan(span, thrown, thrown !== undefined);
}

/** Ends the span of a request: an error that is its caller's is none. */
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
