/**
 * Spans and measurements of requests: a CONSUMER span for each one that is
 * answered, a child of the attempt that sent it.
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
import type { ServerEvent } from "../rpc/serving/serve_options.ts";
import type { Instruments } from "./calls.ts";
import {
  endServerSpan,
  messagingAttributes,
  methodAttributes,
  outcomeAttributes,
  rpcAttributes,
} from "./conventions.ts";
import { spanOf } from "./trace_context.ts";

/** Watches the requests of one server. */
export class TracedRequests {
  readonly #instruments: Instruments;
  readonly #handlings = new WeakMap<RpcRequest, Handling>();

  /** Hears nothing yet: see `interceptor` and `onEvent`. */
  constructor(instruments: Instruments) {
    this.#instruments = instruments;
  }

  /** Around the procedure: what it does is part of the span. */
  readonly interceptor: ProcedureInterceptor = (next) => (request, run) => {
    const handling = this.#begin(request);
    // An abandoned run gets no answer, and one that is late is told here first.
    run.signal.addEventListener(
      "abort",
      () => handling.end(RpcError.from(run.signal.reason)),
      { once: true },
    );
    return context.with(handling.context, () => next(request, run));
  };

  /** Hears of requests that are not run, and of all outcomes. */
  onEvent(event: ServerEvent): void {
    const { meters } = this.#instruments;
    switch (event.type) {
      case "repeated":
        meters.replays.add(1);
        return this.#begin(event.request).replayed();
      case "answered": {
        this.#countRedelivery(event.request);
        const known = this.#handlings.get(event.request);
        return (known ?? this.#begin(event.request)).end(event.error);
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

/** One request, from its start to its outcome. */
class Handling {
  /** For what the procedure does. */
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
    // Not in what was active: that is whatever opened the connection.
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

  /** It gets the answer of an earlier run. */
  replayed(): void {
    this.#span.setAttribute("rabbit_rpc.replayed", true);
  }

  /** The first outcome counts. */
  end(error?: RpcError): void {
    if (this.#ended) return;
    this.#ended = true;
    const { meters } = this.#instruments;
    meters.inFlight.add(-1);
    endServerSpan(this.#span, error);
    meters.runDuration.record((performance.now() - this.#startMs) / 1000, {
      ...rpcAttributes(this.#method),
      ...outcomeAttributes(error),
    });
  }
}
