/**
 * The addresses of a host, for those whose first one does not answer.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** All addresses of a name, of both kinds; none of what is an address. */
export async function addressesOf(hostname: string): Promise<string[]> {
  if (isIP(hostname)) return [];
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
}
