/**
 * Contracts: the methods of a queue, with schemas for what they take and
 * return. A server implements one, a client is typed by it.
 *
 * @module
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { RpcError } from "../errors.ts";
import type { RpcRequest } from "../messages.ts";
import type { Procedure, RpcContext } from "../procedure.ts";
import { jsonReply } from "../serving/result_values.ts";
import type { SendableReply } from "../wire.ts";
import { byMethod, checkMethodName } from "./methods.ts";
import { isStreamSchema, type StreamSchema } from "./stream_schema.ts";
import { validated } from "./validation.ts";

/**
 * One method, with schemas of any library that follows Standard Schema. Without
 * a schema, a value is not checked and has the type `unknown`.
 */
export interface MethodContract {
  /** What the caller sends, as JSON. */
  readonly input?: StandardSchemaV1;
  /**
   * What the handler returns, sent as JSON; with {@linkcode streamOf}, what each
   * item of the stream is that it returns.
   */
  readonly output?: StandardSchemaV1 | StreamSchema;
}

/**
 * The methods of a queue by name. Bodies are JSON, so the values should survive
 * JSON: a date that is sent arrives as text.
 *
 * @example Serve a contract and call it
 * ```ts
 * import { connect, type Contract, implement } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 * import * as z from "zod";
 *
 * const contract = {
 *   fib: { input: z.int().min(0).max(78), output: z.number() },
 * } satisfies Contract;
 *
 * const fib = (n: number): number => n < 2 ? n : fib(n - 1) + fib(n - 2);
 *
 * await using rpc = await connect(Deno.env.get("AMQP_URL"));
 * await using server = await rpc.serve("maths", implement(contract, { fib }));
 *
 * const api = rpc.client(contract, "maths");
 * assert.equal(await api.fib(10), 55);
 * await assert.rejects(api.fib(-1), { code: "invalid_argument" });
 * ```
 */
export interface Contract {
  /** A method by its name, which is the `type` of its requests. */
  readonly [method: string]: MethodContract;
}

/** What a caller passes: the schema's input. */
export type CallInput<M extends MethodContract> = M extends
  { readonly input: infer S extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<S>
  : unknown;

/** What a caller gets: the output schema's output, of each item in a stream. */
export type CallOutput<M extends MethodContract> = M extends
  { readonly output: StreamSchema<infer S> } ? StandardSchemaV1.InferOutput<S>
  : M extends { readonly output: infer S extends StandardSchemaV1 }
    ? StandardSchemaV1.InferOutput<S>
  : unknown;

/** What a handler gets: the input schema's output. */
export type HandlerInput<M extends MethodContract> = M extends
  { readonly input: infer S extends StandardSchemaV1 }
  ? StandardSchemaV1.InferOutput<S>
  : unknown;

/** What a handler returns: the output schema's input, or a stream of it. */
export type HandlerOutput<M extends MethodContract> = M extends
  { readonly output: StreamSchema<infer S> }
  ? AsyncIterable<StandardSchemaV1.InferInput<S>>
  : M extends { readonly output: infer S extends StandardSchemaV1 }
    ? StandardSchemaV1.InferInput<S>
  : unknown;

/** A function for each method of a contract. */
export type ContractHandlers<C extends Contract> = {
  readonly [M in keyof C]: (
    input: HandlerInput<C[M]>,
    context: RpcContext,
    request: RpcRequest,
  ) => HandlerOutput<C[M]> | PromiseLike<HandlerOutput<C[M]>>;
};

/**
 * A contract's procedure, to be served: the request's `type` names the method.
 *
 * Input that is not JSON or does not fit its schema is answered with
 * `invalid_argument` and the paths that are wrong, and no handler runs; output
 * that does not fit is `internal`; another method is `unimplemented`.
 *
 * @throws {TypeError} if a handler is missing, or a method has a name that
 * a client can't call: `then`, `toJSON`, and those that all objects have.
 */
export function implement<C extends Contract>(
  contract: C,
  handlers: ContractHandlers<C>,
): Procedure {
  const methods = new Map<string, Procedure>();
  for (const [name, method] of Object.entries(contract)) {
    checkMethodName(name);
    const handler: unknown = Object.hasOwn(handlers, name) && handlers[name];
    if (typeof handler !== "function") {
      throw new TypeError(`handlers.${name} must be a function`);
    }
    methods.set(name, checked(name, method, handler as AnyHandler));
  }
  return byMethod(methods);
}

type AnyHandler = (
  input: unknown,
  context: RpcContext,
  request: RpcRequest,
) => unknown;

function checked(
  name: string,
  { input, output }: MethodContract,
  handler: AnyHandler,
): Procedure {
  return async (request, context) => {
    let value = parseInput(name, request);
    if (input) {
      const what = `${name} got invalid input`;
      value = await validated(input, value, "invalid_argument", what);
    }
    const result = await handler(value, context, request);
    if (output === undefined) return jsonReply(result);
    const what = `${name} returned invalid output`;
    if (!isStreamSchema(output)) return await jsonOutput(output, result, what);
    return checkedItems(output.items, result as AsyncIterable<unknown>, what);
  };
}

async function jsonOutput(
  schema: StandardSchemaV1,
  value: unknown,
  what: string,
): Promise<SendableReply | undefined> {
  return jsonReply(await validated(schema, value, "internal", what));
}

/** What is no stream has no items, either. */
async function* checkedItems(
  schema: StandardSchemaV1,
  items: AsyncIterable<unknown>,
  what: string,
): AsyncGenerator<SendableReply | undefined> {
  for await (const item of items) yield await jsonOutput(schema, item, what);
}

/** An empty body is no input: undefined. */
function parseInput(name: string, request: RpcRequest): unknown {
  if (request.byteLength === 0) return undefined;
  try {
    return request.json();
  } catch (cause) {
    const { message } = RpcError.from(cause);
    const detail = `${name} wants JSON: ${message}`;
    throw new RpcError("invalid_argument", detail, { cause });
  }
}
