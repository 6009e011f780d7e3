/**
 * Passwords that change: tokens that expire, files that are renewed.
 *
 * @module
 */
import { unlessAborted } from "../async/delay.ts";

/**
 * A password, or what tells it: called before each connection is made, and
 * from time to time while it lives (`passwordPollMs`). Keep a token that takes
 * long to get, and return it until it is due.
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
 * Asks for the password again and again, and tells when it is another. (A file
 * system's events would not do: what is mounted into a container is renewed by
 * a link that points elsewhere.)
 */
export class PasswordPoll {
  readonly #stopping = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  #asking = false;

  /** `known` is what the broker was told last. */
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
        // Nothing is lost while the connection lives; the next login tells.
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
