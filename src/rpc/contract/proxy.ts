/**
 * A client that looks like the methods it calls, typed by a contract.
 *
 * @module
 */
import type { CallOptions } from "../calling/call_options.ts";
import { RpcError } from "../errors.ts";
import { encodeJson, JSON_CONTENT_TYPE } from "../json.ts";
import type { RpcReply } from "../messages.ts";
import type { CallInput, CallOutput, Contract } from "./contract.ts";
import { isMethodName } from "./methods.ts";

/** How a method is called; its type and its MIME type are known. */
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
 * The methods of a queue as functions. Only the type of the contract is
 * needed, no schema: the server checks what goes in and out, and a schema that
 * converts must not do it twice.
 */
export function contractProxy<C extends Contract>(
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
  return new Proxy(Object.freeze({}), {
    get: (target, name) =>
      typeof name === "string" && isMethodName(name)
        ? (input?: unknown, options?: MethodOptions) =>
          invoke(name, input, options)
        : Reflect.get(target, name),
  }) as ContractClient<C>;
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
  if (reply.bytes.length === 0) return undefined;
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
