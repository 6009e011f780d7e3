/**
 * Who may be answered. A reply is sent with the server's permissions, and a
 * caller must not borrow them to write where it may not write itself.
 *
 * @module
 */
import { nowMs } from "../../async/clock.ts";
import { RpcError } from "../errors.ts";
import { quote } from "../texts.ts";
import type { BrokerConnection } from "../transport.ts";
import { matchesPattern } from "./patterns.ts";

/** What becomes of a request because of where its reply goes. */
export type Verdict =
  | "allowed"
  /** The caller is gone: running its request is useless. */
  | { callerGone: string }
  /** Not run, and not answered either. */
  | { drop: string };

/** A name that gets no replies. */
export interface RefusedReplyTo {
  readonly replyTo: string;
  readonly why: string;
  /** Whether a pattern would allow it. */
  readonly allowable: boolean;
}

/** Who may be answered, and what is called about the others. */
export interface ReplyPolicyOptions {
  /** The server's own request queue. */
  queue: string;
  /** Further queues that replies may go to; `*` stands for any text. */
  patterns: readonly string[];
  /** Called once for each name that is refused. */
  onRefused: (refusal: RefusedReplyTo) => void;
}

/**
 * Names that nobody can guess: those that only the broker gives, and those with
 * 128 random bits, of aio-pika (which omits leading zeros) and of detached
 * calls. RabbitMQ would describe such queues only to users with a permission on
 * them.
 */
const UNGUESSABLE = [
  /^amq\.gen-/,
  /^amq\.rabbitmq\.reply-to/,
  /^amq_0x[0-9a-f]{24,32}$/,
  /^rabbit-rpc\.results\..*[0-9a-f]{32}$/s,
];

const DIRECT_PREFIX = "amq.rabbitmq.reply-to.";
/** Two words, the first of which is no Erlang term: those begin with 131. */
const FORGED_ADDRESS = /^(?!g[w-z0-9+/_-])[^.]+\.[^.]+$/;

/** Of a queue in AMQP. */
const MAX_NAME_LENGTH = 255;
const MAX_NAMES = 10_000;
/** A queue stays what it is, but its name may be given to another one. */
const LIFETIME_MS = 60_000;

interface Kept {
  readonly verdict: Verdict;
  /** On the clock of `nowMs()`. */
  readonly untilMs: number;
}

/**
 * Decides by name if it can, otherwise by what the broker says: a queue that is
 * exclusive to another connection is a callback queue, whatever it is called.
 * The answers are kept for a minute.
 */
export class ReplyPolicy {
  readonly #options: ReplyPolicyOptions;
  /**
   * The oldest first, limited in number. One that is too old has been reported
   * before.
   */
  readonly #kept = new Map<string, Kept>();
  /** Those under way over one connection. */
  readonly #checks = new Map<string, Promise<Verdict>>();
  #connection: BrokerConnection | undefined;

  /** Asks the broker when it is first needed. */
  constructor(options: ReplyPolicyOptions) {
    this.#options = options;
  }

  /** What is known at once; undefined if the broker has to be asked. */
  known(replyTo: string): Verdict | undefined {
    const { queue, patterns } = this.#options;
    if (replyTo === queue) {
      return this.#refuse(
        replyTo,
        "it is the request queue itself: the reply would come back as a " +
          "request, for ever",
      );
    }
    if (isForged(replyTo)) {
      return this.#refuse(replyTo, "no broker gives such an address");
    }
    const allowed = UNGUESSABLE.some((name) => name.test(replyTo)) ||
      patterns.some((pattern) => matchesPattern(pattern, replyTo));
    if (allowed) return "allowed";
    const kept = this.#kept.get(replyTo);
    return kept && kept.untilMs > nowMs() ? kept.verdict : undefined;
  }

  /**
   * Asks the broker, once for all who want to know at the same time.
   *
   * @throws {RpcError} if the connection was lost meanwhile, or has no channel
   * to ask over.
   */
  async learn(replyTo: string, connection: BrokerConnection): Promise<Verdict> {
    // A question over a lost connection may never be answered.
    if (connection !== this.#connection) this.#checks.clear();
    this.#connection = connection;
    const running = this.#checks.get(replyTo);
    const verdict = await (running ?? this.#check(replyTo, connection));
    const isMissing = typeof verdict === "object" && "callerGone" in verdict;
    if (running === undefined || !isMissing) return verdict;
    // The queue may have been declared after that check was sent.
    return await (this.#checks.get(replyTo) ??
      this.#check(replyTo, connection));
  }

  #check(replyTo: string, connection: BrokerConnection): Promise<Verdict> {
    const check = this.#ask(replyTo, connection).finally(() => {
      if (this.#checks.get(replyTo) === check) this.#checks.delete(replyTo);
    });
    this.#checks.set(replyTo, check);
    return check;
  }

  async #ask(replyTo: string, connection: BrokerConnection): Promise<Verdict> {
    try {
      switch (await connection.checkReplyTo(replyTo)) {
        case "exclusive":
          return this.#keep(replyTo, "allowed");
        case "missing":
          // Not kept: a caller that reconnects declares it again.
          return {
            callerGone: `its reply_to ${
              quote(replyTo, MAX_NAME_LENGTH)
            } is gone`,
          };
        case "shared":
          return this.#refuse(
            replyTo,
            "the queue is not exclusive to another connection",
            true,
          );
      }
    } catch (thrown) {
      const error = RpcError.from(thrown);
      const { reason } = error;
      if (reason === "connection_lost" || reason === "not_admitted") {
        throw error;
      }
      const why = `the queue can't be checked (${error.message})`;
      return this.#refuse(replyTo, why, true);
    }
  }

  #refuse(replyTo: string, why: string, allowable = false): Verdict {
    const before = this.#kept.get(replyTo)?.verdict;
    const isNews = before === undefined || before === "allowed";
    if (isNews) this.#options.onRefused({ replyTo, why, allowable });
    return this.#keep(replyTo, {
      drop: `its reply_to ${quote(replyTo, MAX_NAME_LENGTH)} is refused`,
    });
  }

  #keep(replyTo: string, verdict: Verdict): Verdict {
    this.#kept.delete(replyTo);
    this.#kept.set(replyTo, { verdict, untilMs: nowMs() + LIFETIME_MS });
    if (this.#kept.size > MAX_NAMES) {
      const [oldest] = this.#kept.keys();
      this.#kept.delete(oldest!);
    }
    return verdict;
  }
}

/**
 * Whether RabbitMQ can't have made this name; 3.10 and 4.0 end connections for
 * it.
 */
function isForged(replyTo: string): boolean {
  return replyTo.startsWith(DIRECT_PREFIX) &&
    FORGED_ADDRESS.test(replyTo.slice(DIRECT_PREFIX.length));
}
