// A service that is called without a server and a broker.

import assert from "node:assert/strict";
import { RpcError } from "../../../src/rpc/errors.ts";
import type {
  MessageProperties,
  RpcRequest,
} from "../../../src/rpc/messages.ts";
import { Execution } from "../../../src/rpc/serving/execution.ts";
import type { Outcome } from "../../../src/rpc/serving/job.ts";
import type { RequestQueue } from "../../../src/rpc/transport.ts";
import { decodeRequest } from "../../../src/rpc/wire.ts";
import type { CommandLine } from "../../../src/procedures/command/process_group.ts";
import type { Service } from "../../../src/procedures/service.ts";
import { within } from "../../support/within.ts";

/** Time enough for any child on a busy machine. */
const LIMIT_MS = 30_000;
const LIMITS = { handlerTimeoutMs: LIMIT_MS, maxReplyBytes: 2 ** 24 };

/** A request with this body. */
export function request(
  body: string | Uint8Array = "",
  properties: MessageProperties = {},
): RpcRequest {
  const bytes = typeof body === "string"
    ? new TextEncoder().encode(body)
    : body;
  const delivery = {
    properties,
    body: bytes,
    deliveryTag: 1,
    redelivered: false,
  };
  return decodeRequest(delivery, "q", Date.now());
}

/** One run of a service's procedure, as a server runs it. */
export class Run {
  readonly #execution: Execution;
  readonly #outcome = Promise.withResolvers<Outcome>();

  constructor(service: Service, request: RpcRequest) {
    const { resolve } = this.#outcome;
    // Nothing is sent before the end.
    const requests = {} as RequestQueue;
    const job = { request, dueMs: Infinity, requests, deliveryTag: 1 };
    this.#execution = new Execution(job, LIMITS, resolve);
    this.#execution.start(service.procedure);
  }

  /** Ends it, as when its time is up. */
  abort(): void {
    this.#execution.abort(new RpcError("deadline_exceeded", "time is up"));
  }

  /** The reply. */
  async reply(): Promise<Uint8Array> {
    const outcome = await this.#end();
    if ("error" in outcome) throw outcome.error;
    assert.ok(outcome.result instanceof Uint8Array);
    return outcome.result;
  }

  /** The reply as text. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.reply());
  }

  /** What it failed with. */
  async failure(): Promise<RpcError> {
    const outcome = await this.#end();
    assert.ok("error" in outcome, "it did not fail");
    return outcome.error;
  }

  async #end(): Promise<Outcome> {
    return await within("the run's end", this.#outcome.promise, LIMIT_MS);
  }
}

/** A command, found in PATH by the system. */
export function commandLine(name: string, ...args: string[]): CommandLine {
  return { name, path: name, args };
}

/** A script of sh. */
export function script(text: string): CommandLine {
  return commandLine("sh", "-c", text);
}

/** The lines that a service logged, and those to come. */
export class LogLines {
  readonly lines: string[] = [];
  readonly #waiting = new Set<() => void>();

  readonly add = (line: string): void => {
    this.lines.push(line);
    for (const look of this.#waiting) look();
  };

  /** The first line that matches, past or to come. */
  async waitFor(pattern: RegExp): Promise<RegExpMatchArray> {
    const found = Promise.withResolvers<RegExpMatchArray>();
    const look = () => {
      for (const line of this.lines) {
        const match = line.match(pattern);
        if (match) found.resolve(match);
      }
    };
    this.#waiting.add(look);
    look();
    try {
      return await within(`a line ${pattern}`, found.promise, LIMIT_MS);
    } finally {
      this.#waiting.delete(look);
    }
  }
}
