/**
 * Passwords that change: tokens that expire, files that are renewed.
 *
 * @module
 */
import { unlessAborted } from "../async/delay.ts";

/**
 * A password, or a function that returns it, which is called before each
 * connection is made, and from time to time while it lives (`passwordPollMs`).
 * Cache a token that takes long to get until it expires.
 */
export type Password = string | (() => string | Promise<string>);

/**
 * The password as it is now.
 *
 * @throws what its function throws, or the signal's reason.
 */
export async function readPassword(
  password: Password,
  signal: AbortSignal,
): Promise<string> {
  if (typeof password === "string") return password;
  return checked(await unlessAborted(signal, password()));
}

/** Plain JavaScript may return anything. */
function checked(password: unknown): string {
  if (typeof password === "string") return password;
  throw new TypeError(
    `the password function must return a string, got ${typeof password}`,
  );
}

/**
 * Asks for the password regularly, and calls back when it has changed. (File
 * system events would not do: a mounted secret is renewed by changing a
 * symbolic link.)
 */
export class PasswordPoll {
  readonly #stopping = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  #asking = false;

  /** `known` is the password that the broker knows. */
  constructor(
    password: Password,
    known: string,
    intervalMs: number,
    onChange: (password: string) => void,
  ) {
    this.#timer = setInterval(async () => {
      if (this.#asking) return;
      this.#asking = true;
      try {
        const now = await readPassword(password, this.#stopping.signal);
        if (now !== known && !this.#stopping.signal.aborted) {
          onChange(known = now);
        }
      } catch {
        // No harm is done while the connection lives; the next login reports
        // it.
      } finally {
        this.#asking = false;
      }
    }, intervalMs);
  }

  /** Stops asking. */
  stop(): void {
    clearInterval(this.#timer);
    this.#stopping.abort();
  }
}
