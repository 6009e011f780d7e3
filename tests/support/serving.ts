// A queue "q" on a broker in memory, one procedure that serves it, and a
// caller's queue.

import type { Procedure } from "../../src/rpc/procedure.ts";
import type { ServeOptions } from "../../src/rpc/serving/serve_options.ts";
import type { ServerEvent } from "../../src/rpc/serving/server_events.ts";
import { RpcServer } from "../../src/rpc/serving/server.ts";
import type { MessageProperties } from "../../src/rpc/messages.ts";
import { FakeBroker, type FakeTransport } from "./fake_transport.ts";
import { within } from "./within.ts";

/** What an error reply says. */
export interface Problem {
  code: string;
  title: string;
  detail: string;
}

/** What tests of a server start from. */
export class Scene {
  readonly broker = new FakeBroker();
  /** The server's connection. */
  readonly transport: FakeTransport = this.broker.connect();
  /** Where replies go. */
  readonly callback: string = this.broker.declareUnnamed();
  /** What the server told. */
  readonly events: ServerEvent[] = [];
  readonly #procedure: Procedure;
  #asked = 0;

  constructor(procedure: Procedure) {
    this.#procedure = procedure;
    this.broker.declare("q");
  }

  /** A server of "q" that need not be ready. */
  start(options: ServeOptions = {}): RpcServer {
    return new RpcServer(this.transport, "q", this.#procedure, {
      ...options,
      onEvent: (event) => {
        this.events.push(event);
        this.broker.note(`event ${event.type}`);
      },
    });
  }

  /** A server of "q" that is ready. */
  async serve(options: ServeOptions = {}): Promise<RpcServer> {
    const server = this.start(options);
    await within("ready", server.ready);
    // Only what follows is of interest.
    this.broker.log.length = 0;
    return server;
  }

  /** Sends a request; correlation ids count from "1". */
  ask(body: string, properties: MessageProperties = {}): void {
    this.broker.send("q", body, {
      replyTo: this.callback,
      correlationId: `${++this.#asked}`,
      ...properties,
    });
  }

  /** The next reply, which has to be an error reply. */
  async problem(): Promise<Problem> {
    const { text, properties } = await this.broker.take(this.callback);
    if (properties.type !== "error") throw new Error(`a reply came: ${text}`);
    return JSON.parse(text);
  }

  /** The events of one type. */
  eventsOf<T extends ServerEvent["type"]>(
    type: T,
  ): Extract<ServerEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<
      ServerEvent,
      { type: T }
    >[];
  }
}
