/**
 * Addresses to listen on.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import { CliError, EXIT } from "./exit_status.ts";

/** Where to listen; port 0 is any that is free. */
export interface ListenAddress {
  hostname: string;
  port: number;
}

/** `127.0.0.1:5672`, `localhost:0`, `[::1]:5672`. */
export function parseAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match && port <= 65_535) {
    return { hostname: (match[1] ?? match[2])!, port };
  }
  throw new InvalidArgumentError("It must be HOST:PORT, 127.0.0.1:0 say.");
}

/** The same, and `:8080` for all of the machine's addresses. */
export function parseOpenAddress(text: string): ListenAddress {
  return parseAddress(text.startsWith(":") ? `0.0.0.0${text}` : text);
}

/** Why nobody can listen there, with what to do; or what was thrown. */
export function listenFailure(
  thrown: unknown,
  { hostname, port }: ListenAddress,
  advice: string,
): unknown {
  const why = reason(thrown);
  if (why === undefined) return thrown;
  return new CliError(
    // Whoever listens there now may go.
    thrown instanceof Deno.errors.AddrInUse ? EXIT.broker : EXIT.usage,
    `cannot listen on ${hostname}:${port} (${why}). ${advice}`,
  );
}

function reason(thrown: unknown): string | undefined {
  const { AddrInUse, AddrNotAvailable, PermissionDenied } = Deno.errors;
  if (thrown instanceof AddrInUse) return "address in use";
  if (thrown instanceof PermissionDenied) return "permission denied";
  if (thrown instanceof AddrNotAvailable) {
    return "not an address of this machine";
  }
  const { message } = thrown as Error;
  return /lookup/.test(message) ? "no such host" : undefined;
}
