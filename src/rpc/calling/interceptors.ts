/**
 * Puts interceptors around calls and around their attempts.
 *
 * @module
 */
import { unsharedBytes } from "../bytes.ts";
import { intercepted } from "../interceptor.ts";
import { type RpcReply, toBytes } from "../messages.ts";
import type { RpcArgument } from "../procedure.ts";
import { outgoingCall } from "./argument.ts";
import { type Call, needsConfirm } from "./call.ts";
import type { CallOptions } from "./call_options.ts";
import type {
  CallInterceptor,
  OutgoingCall,
  SendCall,
} from "./client_options.ts";

type MakeCall = (
  queue: string,
  argument?: RpcArgument,
  options?: CallOptions,
) => Promise<RpcReply>;

/** `call()` of a client, within interceptors. */
export function interceptedCalls(
  call: MakeCall,
  interceptors: readonly CallInterceptor[],
): MakeCall {
  const send = intercepted<SendCall>(
    ({ queue, body, options }) => call(queue, body, options),
    interceptors,
  );
  return (queue, argument, options = {}) => {
    try {
      return send(outgoingCall(queue, argument, options));
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

type MakeAttempt = (call: Call) => Promise<RpcReply>;

/** What makes one attempt of a call, within interceptors. */
export function interceptedAttempts(
  attempt: MakeAttempt,
  interceptors: readonly CallInterceptor[],
): MakeAttempt {
  return (call) => {
    const send = ({ queue, body, options }: OutgoingCall) => {
      const confirm = call.confirm || needsConfirm(options);
      const bytes = toBytes(body);
      return attempt({ ...call, queue, body: bytes, options, confirm });
    };
    const body = unsharedBytes(call.body);
    return intercepted(send, interceptors)({ ...call, body });
  };
}
