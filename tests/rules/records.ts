// What the rules look at: calls, and runs of procedures for them. Simulated
// histories and runs of real processes keep the same books.

/** An `RpcError`, as far as rules look at it. */
export interface CallError {
  readonly code: string;
  readonly reason?: string | undefined;
  readonly message: string;
  readonly maybeExecuted: boolean;
  readonly remote: boolean;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** How a call ended. */
export type End =
  | { readonly type: "answer"; readonly isRight: boolean }
  | { readonly type: "error"; readonly error: CallError }
  /** It threw something else than an `RpcError`. */
  | { readonly type: "untyped"; readonly what: string };

/** How a call was made. */
export interface CallTerms {
  readonly timeoutMs: number;
  readonly retries?: number | undefined;
  readonly wait?: boolean | undefined;
  readonly attemptTimeoutMs?: number | undefined;
  readonly requireConsumer?: boolean | undefined;
}

/** A call, as far as it has come. Its times are those of one clock. */
export interface CallRecord {
  /** From 1. */
  readonly number: number;
  readonly client: string;
  readonly options: CallTerms;
  readonly startMs: number;
  /** When its caller gives it up, in ms after the start. */
  readonly abortAfterMs?: number | undefined;
  endMs?: number;
  end?: End;
  readonly runs: Run[];
}

/** One run of a procedure. */
export interface Run {
  readonly call: number;
  /** The process: one that was started again is another. */
  readonly server: string;
  readonly messageId: string | undefined;
  readonly correlationId: string | undefined;
  readonly startMs: number;
  /** It has its result. */
  isDone: boolean;
  /** It was told to end. */
  isCalledOff: boolean;
  /** Its reply is known to be lost, so that the request comes again. */
  isUnanswered: boolean;
}

/** A rule that was broken. */
export interface Breach {
  readonly rule: string;
  /** What the call did: "ends 5 ms too late". */
  readonly what: string;
}

/** An error in one line. */
export function errorText(error: CallError): string {
  const { code, reason, message, maybeExecuted, remote } = error;
  const facts = [reason, remote && "remote", maybeExecuted && "maybeExecuted"];
  return `${code} (${facts.filter(Boolean).join(", ")}) ${message}`;
}
