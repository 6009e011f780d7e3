// Requests and a request queue without a broker.

import { fromEpochMs } from "../../src/async/clock.ts";
import type { RpcError } from "../../src/rpc/errors.ts";
import type { Job } from "../../src/rpc/serving/job.ts";
import { type MessageProperties, RpcRequest } from "../../src/rpc/messages.ts";
import type {
  Delivery,
  PublishListener,
  RequestQueue,
} from "../../src/rpc/transport.ts";
import { DEADLINE_HEADER } from "../../src/rpc/wire.ts";
import { Log } from "./watching.ts";

/** What tests say of a request; the rest is as our own client has it. */
export type RequestParts =
  & Partial<Omit<RpcRequest, "bytes" | "text" | "json">>
  & { body?: string };

/** A request as our own client sends it, where nothing else is said. */
export function requestOf({ body = "30", ...parts }: RequestParts): RpcRequest {
  const deadlineMs = parts.deadlineMs ?? Date.now() + 60_000;
  return new RpcRequest(new TextEncoder().encode(body), {
    queue: "q",
    type: "",
    contentType: undefined,
    headers: { [DEADLINE_HEADER]: deadlineMs },
    correlationId: crypto.randomUUID(),
    messageId: undefined,
    replyTo: "callback",
    redelivered: false,
    contentEncoding: undefined,
    priority: undefined,
    userId: undefined,
    appId: undefined,
    timestamp: undefined,
    deadlineMs,
    ...parts,
  });
}

/** A message that was published, for the test to confirm or to refuse. */
export interface Published {
  readonly queue: string;
  readonly text: string;
  readonly properties: MessageProperties;
  confirm(): void;
  fail(error: RpcError): void;
}

/** Keeps what is done to it. */
export class FakeRequestQueue implements RequestQueue {
  readonly published = new Log<Published>();
  /** `ack N`, `requeue N`, `drop N`. */
  readonly settled = new Log<string>();
  #lastTag = 0;

  /** A delivery of this queue, on its way through the server. */
  job(parts: RequestParts = {}): Job {
    const deliveryTag = ++this.#lastTag;
    const request = requestOf(parts);
    const dueMs = fromEpochMs(request.deadlineMs);
    return { requests: this, deliveryTag, request, dueMs };
  }

  publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    const text = new TextDecoder().decode(body);
    const confirm = () => listener.confirmed();
    const fail = (error: RpcError) => listener.failed(error);
    this.published.add({ queue, text, properties, confirm, fail });
  }

  /** The n-th message (from 1), once it is published. */
  message(n = 1): Promise<Published> {
    return this.published.first("message", undefined, n);
  }

  ack(deliveryTag: number): void {
    this.settled.add(`ack ${deliveryTag}`);
  }

  nack(deliveryTag: number, requeue: boolean): void {
    this.settled.add(`${requeue ? "requeue" : "drop"} ${deliveryTag}`);
  }

  cancel(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery> {
    return {
      next: () => Promise.resolve({ done: true, value: undefined }),
    };
  }
}
