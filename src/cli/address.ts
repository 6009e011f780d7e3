/**
 * Addresses to listen on, for `broker --listen` and `server --health`.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import { CliError, EXIT } from "./exit_status.ts";

/** Where to listen; port 0 takes a free port. */
export interface ListenAddress {
  hostname: string;
  port: number;
}

/** Parses `127.0.0.1:5672`, `localhost:0`, `[::1]:5672`. */
export function parseAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match && port <= 65_535) {
    return { hostname: (match[1] ?? match[2])!, port };
  }
  throw new InvalidArgumentError("It must be HOST:PORT, such as 127.0.0.1:0.");
}

/** All addresses of the machine, including those of IPv4. */
const ALL_ADDRESSES = "::";
/** All addresses of a machine without IPv6. */
export const ALL_IPV4_ADDRESSES = "0.0.0.0";

/** Also parses `:8080`, which is all addresses of the machine. */
export function parseOpenAddress(text: string): ListenAddress {
  return parseAddress(
    text.startsWith(":") ? `[${ALL_ADDRESSES}]${text}` : text,
  );
}

/** Whether listening failed because the machine has only IPv4. */
export function lacksIpv6(
  { hostname }: ListenAddress,
  thrown: unknown,
): boolean {
  const { AddrInUse, PermissionDenied, NotCapable } = Deno.errors;
  return hostname === ALL_ADDRESSES &&
    ![AddrInUse, PermissionDenied, NotCapable].some((kind) =>
      thrown instanceof kind
    );
}

/** The error to report if listening failed, with advice. */
export function listenFailure(
  thrown: unknown,
  { hostname, port }: ListenAddress,
  advice: string,
): unknown {
  const why = reason(thrown);
  if (why === undefined) return thrown;
  return new CliError(
    // A port in use may become free.
    thrown instanceof Deno.errors.AddrInUse ? EXIT.broker : EXIT.usage,
    `cannot listen on ${hostAndPort(hostname, port)} (${why}). ${advice}`,
  );
}

/** `localhost:80`, `[::1]:80`. */
export function hostAndPort(hostname: string, port: number): string {
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
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
