/**
 * The steps of the demo. Nothing is faked: each step checks what it shows.
 *
 * @module
 */
import type { RpcConnection } from "../../rpc/connection.ts";
import type { CallOptions } from "../../rpc/calling/call_options.ts";
import { RpcError } from "../../rpc/errors.ts";
import { formatMs } from "../../rpc/texts.ts";
import { CliError, EXIT } from "../exit_status.ts";
import type { Paint } from "../stdio/color.ts";
import type { DemoServer } from "./processes.ts";
import { PID_HEADER, SLEEPING_LINE, STREAM_TYPE } from "./server.ts";
import { DemoTally } from "./tally.ts";

/** The request queue. */
export const QUEUE = "rpc_queue";
const CALLS_AT_ONCE = 200;
const SLOW_MS = 1_000;

/** The steps of the demo, on servers that are ready. */
export class Demo {
  readonly #rpc: RpcConnection;
  readonly #servers: DemoServer[];
  readonly #print: (line: string) => void;
  readonly #paint: Paint;
  readonly #tally = new DemoTally();
  #step = 0;

  /** `print` takes each line of text. */
  constructor(
    rpc: RpcConnection,
    servers: DemoServer[],
    print: (line: string) => void,
    paint: Paint,
  ) {
    this.#rpc = rpc;
    this.#servers = servers;
    this.#print = print;
    this.#paint = paint;
  }

  /**
   * Shows all steps.
   *
   * @throws {CliError} if one of them goes wrong.
   */
  async run(): Promise<void> {
    const [first, second] = this.#servers;
    this.#print(
      `A broker runs inside this program. Two servers, processes ` +
        `${first!.pid} and ${second!.pid},\nconsume the queue "${QUEUE}".`,
    );
    await this.#oneCall();
    await this.#manyCalls();
    await this.#errorReply();
    await this.#timeout();
    await this.#stream();
    await this.#crash();
    this.#print(`\n${this.#paint("bold", this.#tally.summary())}`);
    this.#tally.check();
  }

  async #oneCall(): Promise<void> {
    this.#title(
      "One call, as in RabbitMQ's tutorial six",
      "The request names a callback queue and a correlation id; the reply " +
        "comes\n   back to that queue with the same id.",
    );
    const { text, pid, ms } = await this.#call("30");
    expect(text === "832040", `fib(30) came as ${text}`);
    this.#line(`fib(30) = ${text}, answered by server ${pid} in ${ms}`);
  }

  async #manyCalls(): Promise<void> {
    this.#title(
      `${CALLS_AT_ONCE} calls at once`,
      "All replies come to one callback queue; the broker shares out the " +
        "requests,\n   as many to each server as its prefetch allows.",
    );
    const startedMs = performance.now();
    const replies = await Promise.all(
      Array.from({ length: CALLS_AT_ONCE }, () => this.#call("20")),
    );
    const took = since(startedMs);
    expect(replies.every(({ text }) => text === "6765"), "a wrong fib(20)");
    const shares = this.#servers.map(({ pid }) => {
      const share = replies.filter((reply) => reply.pid === String(pid)).length;
      expect(share > 0, `server ${pid} got none of ${CALLS_AT_ONCE} calls`);
      return `server ${pid} answered ${share}`;
    });
    this.#line(`${shares.join(", ")}; all in ${took}`);
  }

  async #errorReply(): Promise<void> {
    this.#title(
      "An error comes back to the caller",
      "An invalid request is answered, too: with a code and a sentence.",
    );
    const { code, message } = await this.#failingCall("thirty", {});
    expect(code === "invalid_argument", `the error was ${code}`);
    this.#line(`${code}: ${message}`);
  }

  async #timeout(): Promise<void> {
    this.#title(
      "A deadline holds on both sides",
      "The caller gives up after 300ms, and the server stops working on it.",
    );
    const options = { type: "sleep", timeoutMs: 300 };
    const { code, message } = await this.#failingCall("60000", options);
    expect(code === "deadline_exceeded", `the error was ${code}`);
    this.#line(`${code}: ${message}`);
  }

  async #stream(): Promise<void> {
    this.#title(
      "A reply in pieces, as they are made",
      "A stream has many replies, in order, no faster than their reader.",
    );
    const options = { type: STREAM_TYPE };
    const startedMs = performance.now();
    const items: string[] = [];
    let first = "";
    for await (const item of this.#rpc.stream(QUEUE, "10", options)) {
      if (items.length === 0) first = since(startedMs);
      items.push(item.text());
    }
    const numbers = items.join(" ");
    expect(numbers === "1 1 2 3 5 8 13 21 34 55", `the items were ${numbers}`);
    const all = since(startedMs);
    this.#line(`${numbers}; the first after ${first}, all after ${all}`);
  }

  async #crash(): Promise<void> {
    this.#title(
      "A server dies mid-call",
      "A request is acknowledged after its reply; what a dead server has not\n" +
        "   acknowledged, the broker delivers to another one.",
    );
    const sleepers = this.#servers.map((server) =>
      server.prints(SLEEPING_LINE)
    );
    const reply = this.#call(String(SLOW_MS), { type: "sleep" });
    const dying = await Promise.any(sleepers);
    await dying.crash();
    this.#line(`server ${dying.pid} had taken the call and was killed`);
    const { pid, ms } = await reply;
    expect(pid !== String(dying.pid), "the dead server answered");
    this.#line(`server ${pid} answered instead, ${ms} after the call`);
  }

  async #call(body: string, options: CallOptions = {}) {
    const startedMs = performance.now();
    const reply = await this.#tally.count(
      this.#rpc.call(QUEUE, body, options),
    );
    const pid = String(reply.headers[PID_HEADER]);
    return { text: reply.text(), pid, ms: since(startedMs) };
  }

  async #failingCall(body: string, options: CallOptions): Promise<RpcError> {
    try {
      const { text } = await this.#call(body, options);
      throw new CliError(EXIT.bug, `the demo went wrong: ${body} = ${text}`);
    } catch (error) {
      if (error instanceof RpcError) return error;
      throw error;
    }
  }

  #title(title: string, explanation: string): void {
    this.#print(`\n${this.#paint("bold", `${++this.#step}. ${title}`)}`);
    this.#print(`   ${this.#paint("dim", explanation)}`);
  }

  #line(text: string): void {
    this.#print(`   ${this.#paint("green", "=>")} ${text}`);
  }
}

/** Ends the demo with a status of its own if a step went wrong. */
function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new CliError(EXIT.bug, `the demo went wrong: ${otherwise}`);
}

function since(startedMs: number): string {
  return formatMs(Math.round(performance.now() - startedMs));
}
