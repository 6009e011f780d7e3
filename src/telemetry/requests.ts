/**
 * Traces and measures requests: a CONSUMER span for each request, as a child of
 * the attempt that sent it.
 *
 * @module
 */
import {
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import { RpcError } from "../rpc/errors.ts";
import type { ProcedureInterceptor } from "../rpc/interceptor.ts";
import type { RpcRequest } from "../rpc/messages.ts";
import type { ServerEvent } from "../rpc/serving/server_events.ts";
import type { Instruments } from "./calls.ts";
import {
  endServerSpan,
  itemAttributes,
  messagingAttributes,
  methodAttributes,
  outcomeAttributes,
  rpcAttributes,
} from "./conventions.ts";
import { spanOf } from "./trace_context.ts";

/** Traces the requests of one server. */
export class TracedRequests {
  readonly #instruments: Instruments;
  readonly #handlings = new WeakMap<RpcRequest, Handling>();

  /** Does nothing until `interceptor` and `onEvent` are used. */
  constructor(instruments: Instruments) {
    this.#instruments = instruments;
  }

  /** Runs the procedure within the span. */
  readonly interceptor: ProcedureInterceptor = (next) => (request, run) => {
    const handling = this.#begin(request);
    // An abandoned run gets no answer; a late one is over at its deadline.
    run.signal.addEventListener(
      "abort",
      () => handling.end(RpcError.from(run.signal.reason)),
      { once: true },
    );
    return context.with(handling.context, () => next(request, run));
  };

  /** Takes the outcomes of all requests. */
  onEvent(event: ServerEvent): void {
    const { meters } = this.#instruments;
    switch (event.type) {
      case "repeated":
        meters.replays.add(1);
        return this.#begin(event.request).replayed();
      case "answered": {
        this.#countRedelivery(event.request);
        const known = this.#handlings.get(event.request);
        const { error, items } = event;
        return (known ?? this.#begin(event.request)).end(error, items);
      }
      case "request_dropped":
        this.#countRedelivery(event.request);
        return meters.droppedRequests.add(1);
      case "reply_held":
        return meters.heldReplies.add(1);
      case "reply_dropped":
        return meters.droppedReplies.add(1);
    }
  }

  #begin(request: RpcRequest): Handling {
    const handling = new Handling(request, this.#instruments);
    this.#handlings.set(request, handling);
    return handling;
  }

  #countRedelivery({ redelivered }: RpcRequest): void {
    if (redelivered) this.#instruments.meters.redeliveries.add(1);
  }
}

/** The span of a request, from its start to its outcome. */
class Handling {
  /** The context in which the procedure runs. */
  readonly context: Context;
  readonly #span: Span;
  readonly #method: string;
  readonly #instruments: Instruments;
  readonly #startMs = performance.now();
  #ended = false;

  constructor(request: RpcRequest, instruments: Instruments) {
    const { queue, messageId, correlationId, bytes } = request;
    this.#instruments = instruments;
    this.#method = instruments.methods.name(request);
    // The active context would be the one that opened the connection.
    const parent = spanOf(request.headers, ROOT_CONTEXT);
    this.#span = instruments.tracer.startSpan(`process ${queue}`, {
      kind: SpanKind.CONSUMER,
      attributes: {
        ...methodAttributes(this.#method, request),
        ...messagingAttributes("process", {
          queue,
          messageId,
          correlationId,
          bodyBytes: bytes.length,
        }),
        ...instruments.broker(),
      },
    }, parent);
    this.context = trace.setSpan(parent, this.#span);
    instruments.meters.inFlight.add(1);
  }

  /** The request gets the answer of an earlier run. */
  replayed(): void {
    this.#span.setAttribute("rabbit_rpc.replayed", true);
  }

  /** Ends the span, of a stream with its items; the first outcome counts. */
  end(error?: RpcError, items?: number): void {
    if (this.#ended) return;
    this.#ended = true;
    const { meters } = this.#instruments;
    meters.inFlight.add(-1);
    if (items !== undefined) this.#span.setAttributes(itemAttributes(items));
    endServerSpan(this.#span, error);
    meters.runDuration.record((performance.now() - this.#startMs) / 1000, {
      ...rpcAttributes(this.#method),
      ...outcomeAttributes(error),
    });
  }
}
