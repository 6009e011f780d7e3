/**
 * Reads `host:port`.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";

/** `127.0.0.1:5672`, `localhost:0`, `[::1]:5672`. */
export function parseAddress(text: string): { hostname: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match && port <= 65_535) {
    return { hostname: (match[1] ?? match[2])!, port };
  }
  throw new InvalidArgumentError("It must be HOST:PORT, 127.0.0.1:0 say.");
}
