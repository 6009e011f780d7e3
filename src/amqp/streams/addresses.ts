/**
 * The addresses of a host, for those whose first one does not answer.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { isIp } from "../ip.ts";

/** This name means the same everywhere: no need to resolve it. */
const LOCALHOST = ["127.0.0.1", "::1"];

/** All addresses of a name, IPv4 and IPv6; none if it is an address. */
export async function addressesOf(hostname: string): Promise<string[]> {
  if (isIp(hostname)) return [];
  if (hostname === "localhost") return LOCALHOST;
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
}
