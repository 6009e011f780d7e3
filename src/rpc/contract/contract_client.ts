/**
 * A client with a function for each method of a contract.
 *
 * @module
 */
import type { CallOptions } from "../calling/call_options.ts";
import type { StreamOptions } from "../calling/streams/stream_options.ts";
import { RpcError } from "../errors.ts";
import { encodeJson, JSON_CONTENT_TYPE } from "../json.ts";
import type { RpcReply } from "../messages.ts";
import type { CallInput, CallOutput, Contract } from "./contract.ts";
import { checkMethodName } from "./methods.ts";
import { isStreamSchema, type StreamSchema } from "./stream_schema.ts";

/** Options for calling a method, whose type and MIME type are given. */
export type MethodOptions = Omit<CallOptions, "type" | "contentType">;

/** How a method that returns a stream is called. */
export type StreamMethodOptions = Omit<StreamOptions, "type" | "contentType">;

/**
 * A function for each method; what may be undefined may be left out. One whose
 * output is a stream returns its items as they come, any other a promise.
 */
export type ContractClient<C extends Contract> = {
  readonly [M in keyof C]: C[M] extends { readonly output: StreamSchema } ? (
      ...parameters: undefined extends CallInput<C[M]>
        ? [input?: CallInput<C[M]>, options?: StreamMethodOptions]
        : [input: CallInput<C[M]>, options?: StreamMethodOptions]
    ) => AsyncIterable<CallOutput<C[M]>>
    : (
      ...parameters: undefined extends CallInput<C[M]>
        ? [input?: CallInput<C[M]>, options?: MethodOptions]
        : [input: CallInput<C[M]>, options?: MethodOptions]
    ) => Promise<CallOutput<C[M]>>;
};

/** What calls and streams go over, as an RpcClient has it. */
export interface Caller {
  /** See {@linkcode RpcClient.call}. */
  call(queue: string, body: string, options: CallOptions): Promise<RpcReply>;
  /** See {@linkcode RpcClient.stream}. */
  stream(
    queue: string,
    body: string,
    options: StreamOptions,
  ): AsyncIterable<RpcReply>;
}

/**
 * The methods of a contract as functions. Schemas are left to the server: it
 * checks what goes in and out, and one that converts must not do it twice.
 *
 * @throws {TypeError} if a method has a name that a client can't call.
 */
export function contractClient<C extends Contract>(
  contract: C,
  caller: Caller,
  queue: string,
  defaults: MethodOptions,
): ContractClient<C> {
  const contentType = JSON_CONTENT_TYPE;
  const call = async (type: string, input: unknown, options: CallOptions) => {
    const reply = await caller.call(queue, encodeInput(type, input), options);
    return decodeOutput(type, reply);
  };
  const stream = (type: string, input: unknown, options: CallOptions) => {
    const body = encodeInput(type, input);
    return decodedItems(type, caller.stream(queue, body, options));
  };
  const methods = Object.entries(contract).map(([type, { output }]) => {
    checkMethodName(type);
    const invoke = isStreamSchema(output) ? stream : call;
    const method = (input?: unknown, options?: CallOptions) =>
      invoke(type, input, { ...defaults, ...options, type, contentType });
    return [type, method];
  });
  return Object.freeze(Object.fromEntries(methods));
}

async function* decodedItems(
  method: string,
  items: AsyncIterable<RpcReply>,
): AsyncGenerator<unknown> {
  for await (const item of items) yield decodeOutput(method, item);
}

function encodeInput(method: string, input: unknown): string {
  try {
    return input === undefined ? "" : encodeJson(input);
  } catch (cause) {
    const { message } = RpcError.from(cause);
    throw new TypeError(`input of ${method} must be JSON, got ${message}`);
  }
}

function decodeOutput(method: string, reply: RpcReply): unknown {
  if (reply.byteLength === 0) return undefined;
  try {
    return reply.json();
  } catch (cause) {
    throw new RpcError(
      "internal",
      `the reply of ${method} is not JSON: ${RpcError.from(cause).message}`,
      { cause, maybeExecuted: true },
    );
  }
}
