/**
 * A client with a function for each method of a contract.
 *
 * @module
 */
import type { CallOptions } from "../calling/call_options.ts";
import { RpcError } from "../errors.ts";
import { encodeJson, JSON_CONTENT_TYPE } from "../json.ts";
import type { RpcReply } from "../messages.ts";
import type { CallInput, CallOutput, Contract } from "./contract.ts";
import { checkMethodName } from "./methods.ts";

/** Options for calling a method, whose type and MIME type are given. */
export type MethodOptions = Omit<CallOptions, "type" | "contentType">;

/** A function for each method; what may be undefined may be left out. */
export type ContractClient<C extends Contract> = {
  readonly [M in keyof C]: (
    ...parameters: undefined extends CallInput<C[M]>
      ? [input?: CallInput<C[M]>, options?: MethodOptions]
      : [input: CallInput<C[M]>, options?: MethodOptions]
  ) => Promise<CallOutput<C[M]>>;
};

/** As an RpcClient has it. */
type Call = (
  queue: string,
  body: string | Uint8Array,
  options: CallOptions,
) => Promise<RpcReply>;

/**
 * The methods of a contract as functions. Schemas are left to the server: it
 * checks what goes in and out, and one that converts must not do it twice.
 *
 * @throws {TypeError} if a method has a name that a client can't call.
 */
export function contractClient<C extends Contract>(
  contract: C,
  call: Call,
  queue: string,
  defaults: MethodOptions,
): ContractClient<C> {
  const invoke = async (
    method: string,
    input: unknown,
    options?: MethodOptions,
  ) => {
    const reply = await call(queue, encodeInput(method, input), {
      ...defaults,
      ...options,
      type: method,
      contentType: JSON_CONTENT_TYPE,
    });
    return decodeOutput(method, reply);
  };
  const methods = Object.keys(contract).map((name) => {
    checkMethodName(name);
    const method = (input?: unknown, options?: MethodOptions) =>
      invoke(name, input, options);
    return [name, method];
  });
  return Object.freeze(Object.fromEntries(methods));
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
